import { parentPort, workerData } from "node:worker_threads";
import { brokenRun, runSummary, type RunSummary } from "./run-summary.ts";
import type { Stage } from "./stage.ts";
import type { RunOptions } from "./world.ts";

/** What a thread is asked for, and what it answers, one run at a time. */
export type ThreadAnswer = RunSummary;

const stage = workerData as Stage;

let seed = 0;

// A promise of a worker that nobody waits for, or an error event that nobody hears: on Lambda the function's process ends.
function end(error: unknown): void {
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  parentPort?.postMessage(brokenRun(seed, "nothing fails as only a bug does", `nobody catches ${what}`), []);
}
process.on("uncaughtException", end);
process.on("unhandledRejection", end);

parentPort?.on("message", (options: RunOptions) => {
  seed = options.seed;
  void (async () => {
    const answer: ThreadAnswer = await runSummary(stage, options);
    parentPort?.postMessage(answer, []);
  })();
});
