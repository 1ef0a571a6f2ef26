import type { WorkloadName } from "../gateway/workload-names.ts";
import { runLeadScoringDemo } from "./lead-scoring/run-lead-scoring-demo.ts";
import { runPostCall } from "./post-call/run-post-call.ts";
import { runReIndex } from "./re-index/run-re-index.ts";
import type { WorkloadDemo } from "./workload-demo.ts";

/** How the demo shows each workload. */
export const WORKLOAD_DEMOS: Readonly<Record<WorkloadName, WorkloadDemo>> = {
  "re-index": runReIndex,
  "post-call": runPostCall,
  "lead-scoring": runLeadScoringDemo,
};
