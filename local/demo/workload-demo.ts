import type { DemoOptions } from "./run-demo.ts";

/** What a run of a workload came to: what `--report` writes, and what is not as it should be, in words. */
export type WorkloadOutcome = { readonly report: object; readonly faults: readonly string[] };

export type WorkloadDemo = (options: DemoOptions, signal: AbortSignal) => Promise<WorkloadOutcome>;
