import { PORT_FAULTS } from "./port-faults.ts";
import { runSummary } from "./run-summary.ts";
import type { Stage } from "./stage.ts";
import type { RunOptions } from "./world.ts";
import { World } from "./world.ts";

export type Shrunk = { readonly options: RunOptions; readonly tries: number };

/**
 * The same seed with fewer jobs and fewer faults, as long as it violates the same invariant: halves of the jobs are left
 * out, then smaller shares, then each fault. Gives up narrowing after `milliseconds`.
 */
export async function shrink(
  stage: Stage,
  options: RunOptions,
  invariant: string,
  milliseconds: number,
): Promise<Shrunk> {
  const until = performance.now() + milliseconds;
  let best = options;
  let tries = 0;
  const fails = async (tried: RunOptions): Promise<boolean> => {
    tries += 1;
    const { violations } = await runSummary(stage, tried);
    return violations.some((violation) => violation.invariant === invariant);
  };
  let jobs = best.only ?? new World(stage, best).workload.jobs.map(({ jobId }) => jobId);
  for (let size = Math.ceil(jobs.length / 2); size >= 1 && performance.now() < until;) {
    let smaller = false;
    for (let start = 0; start < jobs.length && performance.now() < until; start += size) {
      const rest = [...jobs.slice(0, start), ...jobs.slice(start + size)];
      const tried = { ...best, only: rest };
      if (rest.length === 0 || !(await fails(tried))) continue;
      [best, jobs, smaller] = [tried, rest, true];
      break;
    }
    if (!smaller) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  for (const fault of await faultsOf(stage, best)) {
    if (performance.now() >= until) break;
    const tried = { ...best, without: [...best.without, fault] };
    if (await fails(tried)) best = tried;
  }
  return { options: best, tries };
}

/** The faults that happen in a run and can be taken away. */
async function faultsOf(stage: Stage, options: RunOptions): Promise<string[]> {
  const { tally } = await runSummary(stage, options);
  return [
    ...PORT_FAULTS.filter((fault) => tally[fault] !== undefined),
    ...Object.keys(tally["faults"] ?? {}),
  ];
}
