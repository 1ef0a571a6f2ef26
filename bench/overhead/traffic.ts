import { EventEmitter, once } from "node:events";
import { Worker } from "node:worker_threads";
import type { SeenAnswer, SentJob, TrafficData, TrafficOrder, TrafficReport } from "./traffic-messages.ts";

type LowJobs = Extract<TrafficReport, { kind: "low-stopped" }>;

/** The tenants' apps, in a thread of their own. */
export class Traffic {
  readonly #worker: Worker;
  readonly #heard = new EventEmitter<{
    answers: [];
    sent: [name: string, jobs: readonly SentJob[]];
    "low-stopped": [LowJobs];
  }>();
  readonly #broken = new AbortController();
  /** The first answer to each key. */
  readonly answers = new Map<string, SeenAnswer>();

  constructor(data: TrafficData) {
    this.#worker = new Worker(new URL("traffic-thread.ts", import.meta.url), { workerData: data });
    this.#worker.on("error", (error) => this.#broken.abort(error));
    this.#worker.on("message", (report: TrafficReport) => this.#hear(report));
  }

  /** Given when the thread cannot go on, with why. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /** Sends critical jobs at these times, in milliseconds from now; resolves when SQS has taken or refused all. */
  async sendCritical(
    name: string,
    arrivals: readonly number[],
    signal: AbortSignal,
  ): Promise<readonly SentJob[]> {
    this.#order({ kind: "critical", name, arrivals });
    for (;;) {
      const [of, jobs] = await once(this.#heard, "sent", { signal });
      if (of === name) return jobs as readonly SentJob[];
    }
  }

  startLow(): void {
    this.#order({ kind: "start-low" });
  }

  /** Resolves with how many SQS took and refused. */
  async stopLow(signal: AbortSignal): Promise<LowJobs> {
    const stopped = once(this.#heard, "low-stopped", { signal });
    this.#order({ kind: "stop-low" });
    const [jobs] = await stopped;
    return jobs as LowJobs;
  }

  /** Waits until all these are answered, or no answer has come for so many milliseconds. */
  async waitForAnswers(keys: readonly string[], patienceMs: number, signal: AbortSignal): Promise<void> {
    while (keys.some((key) => !this.answers.has(key))) {
      const patience = AbortSignal.timeout(patienceMs);
      try {
        await once(this.#heard, "answers", { signal: AbortSignal.any([signal, patience]) });
      } catch (error) {
        signal.throwIfAborted();
        if (patience.aborted) return;
        throw error;
      }
    }
  }

  /** Ends the thread in the middle of whatever it does. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #order(order: TrafficOrder): void {
    this.#worker.postMessage(order, []);
  }

  #hear(report: TrafficReport): void {
    switch (report.kind) {
      case "sent":
        this.#heard.emit("sent", report.name, report.jobs);
        break;
      case "low-stopped":
        this.#heard.emit("low-stopped", report);
        break;
      case "failed":
        this.#broken.abort(new Error(`the tenants' thread failed: ${report.reason}`));
        break;
      case "answers":
        // Delivery is at least once: the first is when the tenant had it.
        for (const answer of report.answers)
          if (!this.answers.has(answer.key)) this.answers.set(answer.key, answer);
        this.#heard.emit("answers");
    }
  }
}
