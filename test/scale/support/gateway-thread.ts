import { Worker } from "node:worker_threads";
import type { GatewayData } from "./gateway-data.ts";
import type { GatewaySteps } from "./gateway-worker.ts";
import type { MemoryMeter, MemoryPeaks } from "./memory-meter.ts";
import { ThreadLink } from "./thread-link.ts";

const MIB = 1024 * 1024;
const LOOK_MS = 20;

/** The use cases in a thread of their own, with a limit on its heap; `served` are the stores behind its ports. */
export class GatewayThread {
  readonly steps: GatewaySteps;
  readonly #worker: Worker;
  readonly #meter: Pick<MemoryMeter, "peaks">;
  readonly #lookout: NodeJS.Timeout;
  #seenBytes = 0;

  constructor(data: GatewayData, served: Readonly<Record<string, object>>, heapMb: number) {
    this.#worker = new Worker(new URL("gateway-worker.ts", import.meta.url), {
      workerData: data,
      // Nothing of the test runner's own flags.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    const link = new ThreadLink(this.#worker, served);
    this.steps = link.remote<GatewaySteps>("steps");
    this.#meter = link.remote("meter");
    this.#worker.on("error", (error) =>
      link.break(error instanceof Error ? error : new Error(String(error))),
    );
    this.#worker.on("exit", (code) => {
      clearInterval(this.#lookout);
      link.break(new Error(`the gateway's thread ended with ${code}`));
    });
    this.#lookout = setInterval(() => void this.#look().catch(() => {}), LOOK_MS);
  }

  /** The thread's peaks by step, and what was seen from here, where its long computations do not hide. */
  async peaks(): Promise<{ readonly bySteps: MemoryPeaks; readonly fromOutside: number }> {
    return { bySteps: await this.#meter.peaks(), fromOutside: this.#seenBytes };
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  /** V8 lets another thread look into the middle of a computation, which a timer of its own never sees. */
  async #look(): Promise<void> {
    const { used_heap_size: heap, external_memory: external } = await this.#worker.getHeapStatistics();
    this.#seenBytes = Math.max(this.#seenBytes, heap + external);
  }
}

export function inMib(bytes: number): number {
  return Math.round(bytes / MIB);
}
