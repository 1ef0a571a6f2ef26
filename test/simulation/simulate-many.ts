import { Worker } from "node:worker_threads";
import type { RunSummary } from "./run-summary.ts";
import type { Stage } from "./stage.ts";
import { Tally } from "./tally.ts";
import type { RunOptions } from "./world.ts";

export type ManyOptions = {
  readonly firstSeed: number;
  readonly runs: number;
  readonly jobs: number;
  readonly threads: number;
  readonly without: readonly string[];
  readonly only: readonly string[] | null;
};

/** What many runs came to. The failed one with the lowest seed stands for all. */
export class Findings {
  readonly tally = new Tally();
  readonly milliseconds: number[] = [];
  runs = 0;
  jobs = 0;
  batches = 0;
  failed: RunSummary | null = null;

  add(run: RunSummary): void {
    this.runs += 1;
    this.jobs += run.jobs;
    this.batches += run.batches;
    this.milliseconds.push(run.milliseconds);
    this.tally.merge(run.tally);
    if (run.violations.length > 0 && (this.failed === null || run.seed < this.failed.seed)) this.failed = run;
  }
}

/** Asks of every run: fewer would not be what the figures say. */
const LEAST = { jobs: 200, tenants: 8, batches: 4, providers: 2 };

/**
 * Runs seeds one after the other on some threads, until one fails or all are done. `progress` is called after each; runs
 * that had begun when another failed are ended first.
 */
export function simulateMany(
  stage: Stage,
  options: ManyOptions,
  progress: (findings: Findings) => void,
): { readonly findings: Promise<Findings>; readonly stop: () => void } {
  const { firstSeed, runs, jobs, without, only } = options;
  const findings = new Findings();
  let next = firstSeed;
  let stopped = false;
  const take = (): RunOptions | null => {
    if (stopped || findings.failed !== null || next >= firstSeed + runs) return null;
    next += 1;
    return { seed: next - 1, jobs, without, only, traced: false };
  };
  const finish = (run: RunSummary): void => {
    findings.add(checked(run, only === null && jobs >= LEAST.jobs));
    progress(findings);
  };
  const all = Array.from({ length: Math.min(options.threads, runs) }, () => work(stage, take, finish));
  return {
    findings: Promise.all(all).then(() => findings),
    stop: () => {
      stopped = true;
    },
  };
}

function work(stage: Stage, take: () => RunOptions | null, finish: (run: RunSummary) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    // A run makes much that is soon forgotten: with room for it, collecting garbage takes a third of the time.
    const resourceLimits = { maxYoungGenerationSizeMb: 192 };
    const thread = new Worker(new URL("simulation-thread.ts", import.meta.url), {
      workerData: stage,
      resourceLimits,
    });
    const ask = (): void => {
      const options = take();
      if (options !== null) thread.postMessage(options, []);
      else void thread.terminate().then(() => resolve());
    };
    thread.on("error", reject);
    thread.on("message", (run: RunSummary) => {
      finish(run);
      ask();
    });
    ask();
  });
}

function checked(run: RunSummary, whole: boolean): RunSummary {
  if (!whole || run.violations.length > 0) return run;
  const small = Object.entries(LEAST).filter(([name, least]) => run[name as keyof typeof LEAST] < least);
  const violations = small.map(([name]) => ({
    invariant: "each run is large enough",
    what: `it has ${run[name as keyof typeof LEAST]} ${name}`,
    ids: [],
  }));
  return { ...run, violations };
}
