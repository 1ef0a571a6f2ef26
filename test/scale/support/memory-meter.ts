const SAMPLE_MS = 20;

/** The most bytes that a thread has seen itself use, by the step that it was in. */
export type MemoryPeaks = Readonly<Record<string, number>>;

/**
 * Measures its own thread: heapUsed + external + arrayBuffers, as the local Lambda environments do. `external` holds the
 * buffers already: the sum is more than the thread holds, never less.
 */
export class MemoryMeter {
  readonly #peaks: Record<string, number> = {};

  async peaks(): Promise<MemoryPeaks> {
    return this.#peaks;
  }

  /** The same steps, each measured from its beginning to its end. */
  measured<Step extends (...args: never[]) => Promise<unknown>>(
    steps: Readonly<Record<string, Step>>,
  ): Record<string, Step> {
    return Object.fromEntries(
      Object.entries(steps).map(([name, step]) => [name, this.#measuredStep(name, step)]),
    );
  }

  #measuredStep<Step extends (...args: never[]) => Promise<unknown>>(name: string, step: Step): Step {
    const run = async (...args: Parameters<Step>) => {
      const sampler = setInterval(() => this.#sample(name), SAMPLE_MS);
      try {
        return await step(...args);
      } finally {
        clearInterval(sampler);
        this.#sample(name);
      }
    };
    return run as Step;
  }

  #sample(name: string): void {
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    this.#peaks[name] = Math.max(this.#peaks[name] ?? 0, heapUsed + external + arrayBuffers);
  }
}
