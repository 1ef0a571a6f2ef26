import { runLeadScoringDemo } from "./lead-scoring/run-lead-scoring-demo.ts";
import { runPostCall } from "./post-call/run-post-call.ts";
import type { WorkloadDemo } from "./workload-demo.ts";

/** The workloads that the demo can show, by the name that `--workload` takes. */
export const WORKLOAD_DEMOS: Readonly<Record<string, WorkloadDemo>> = {
  "post-call": runPostCall,
  "lead-scoring": runLeadScoringDemo,
};
