import type { DemoOptions } from "./run-demo.ts";
import { runPostCall } from "./post-call/run-post-call.ts";
import { runReIndex } from "./re-index/run-re-index.ts";

/** What a run of a workload came to: its figures, and what is wrong with them in words. */
export type WorkloadOutcome = { readonly report: object; readonly faults: readonly string[] };

type WorkloadDemo = (options: DemoOptions, signal: AbortSignal) => Promise<WorkloadOutcome>;

/** The workloads that the demo can show, by the name that `--workload` takes. */
export const WORKLOAD_DEMOS: Readonly<Record<string, WorkloadDemo>> = {
  "re-index": runReIndex,
  "post-call": runPostCall,
};
