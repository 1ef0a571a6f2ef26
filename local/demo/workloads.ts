import { runLeadScoringDemo } from "./lead-scoring/run-lead-scoring-demo.ts";
import { runPostCall } from "./post-call/run-post-call.ts";
import { runReIndex } from "./re-index/run-re-index.ts";
import type { WorkloadDemo } from "./workload-demo.ts";

/** The workloads that the demo can show, by the name that `--workload` takes. */
export const WORKLOAD_DEMOS: Readonly<Record<string, WorkloadDemo>> = {
  "re-index": runReIndex,
  "post-call": runPostCall,
  "lead-scoring": runLeadScoringDemo,
};
