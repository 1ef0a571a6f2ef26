import type { DemoOptions } from "./run-demo.ts";

/** A demo of one workload: what `--report` writes, and what is not as it should be. */
export type WorkloadDemo = (
  options: DemoOptions,
  signal: AbortSignal,
) => Promise<{ readonly report: unknown; readonly faults: readonly string[] }>;
