import { writeFile } from "node:fs/promises";
import type { Findings } from "./simulate-many.ts";

/** Writes what a simulation came to as JSON. Times in seconds, those of runs in milliseconds. */
export async function writeReport(
  file: string,
  findings: Findings,
  about: { readonly firstSeed: number; readonly seconds: number; readonly gaps: readonly string[] },
): Promise<void> {
  const { tally, runs, jobs, batches, failed } = findings;
  const sorted = findings.milliseconds.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  const sites = Object.fromEntries(
    tally.names("calls").map((site) => [
      site,
      {
        calls: tally.of("calls", site),
        before: tally.of("crash-before", site),
        after: tally.of("crash-after", site),
      },
    ]),
  );
  const { faults, throttle, timeout, half, stall, invocations, executions } = tally.toJSON();
  const report = {
    runs,
    seeds: { first: about.firstSeed, last: about.firstSeed + runs - 1 },
    passed: failed === null && about.gaps.length === 0,
    failed: failed && { seed: failed.seed, violations: failed.violations.slice(0, 20) },
    gaps: about.gaps,
    jobs,
    batches,
    faults,
    portFaults: { throttle, timeout, half, stall },
    crashes: sites,
    invocations,
    executions,
    timings: { seconds: Math.round(about.seconds), median: at(0.5), p95: at(0.95), longest: at(1) },
  };
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}
