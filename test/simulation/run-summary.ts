import { PROVIDERS } from "../../lambdas/domain/vocabulary.ts";
import { simulateRun } from "./simulate-run.ts";
import type { Stage } from "./stage.ts";
import type { TallyJson } from "./tally.ts";
import type { Violation } from "./violations.ts";
import type { RunOptions } from "./world.ts";

/** What is left of a run when it is over. */
export type RunSummary = {
  readonly seed: number;
  readonly jobs: number;
  readonly tenants: number;
  readonly batches: number;
  /** Those that did any work, in whatever lane. */
  readonly providers: number;
  readonly tally: TallyJson;
  readonly violations: readonly Violation[];
  readonly milliseconds: number;
};

/** One run, whatever becomes of it: a thrown error is a violation, too. */
export async function runSummary(stage: Stage, options: RunOptions): Promise<RunSummary> {
  const began = performance.now();
  const { seed } = options;
  try {
    const world = await simulateRun(stage, options);
    const made = Object.values(world.services).map(({ findable }) => findable);
    return {
      seed,
      jobs: world.workload.jobs.length,
      tenants: world.workload.tenants.length,
      batches: made.reduce((sum, count) => sum + count, 0),
      providers: PROVIDERS.filter((name) => world.services[name].findable > 0 || world.direct[name].calls > 0)
        .length,
      tally: world.tally.toJSON(),
      violations: world.violations.found,
      milliseconds: performance.now() - began,
    };
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return brokenRun(seed, "the simulation runs to its end", what);
  }
}

/** A run that came to no end. */
export function brokenRun(seed: number, invariant: string, what: string): RunSummary {
  const violations = [{ invariant, what, ids: [] }];
  return { seed, jobs: 0, tenants: 0, batches: 0, providers: 0, tally: {}, violations, milliseconds: 0 };
}
