import { expect, test } from "vitest";
import { admittedPerSecond } from "../../bench/overhead/invocation-log.ts";
import { distributionOf } from "../../bench/overhead/distribution.ts";
import { runOverhead } from "../../bench/overhead/run-overhead.ts";
import { assembleShared } from "../shared-assembly.ts";

const SMALL = {
  seconds: 2,
  idleSeconds: 1,
  warmUpSeconds: 1,
  criticalPerSecond: 4,
  lowPerSecond: 20,
  workers: 2,
  gatheringSeconds: 1,
  seed: "smoke",
};

// Most of it is the synthesis of the stack. Nothing is said of speed: that is for the benchmark.
test("a small load: every job is answered, measured once, and every low job admitted", async () => {
  const { idle, loaded, low } = await runOverhead(SMALL, {
    signal: new AbortController().signal,
    assemble: assembleShared,
    tell: () => undefined,
  });
  for (const [run, jobs] of [
    [idle, 4],
    [loaded, 8],
  ] as const) {
    expect(run).toMatchObject({ sent: jobs, answered: jobs, succeeded: jobs, lost: 0 });
    expect(run.fromReceive.samples).toBe(jobs);
    expect(run.fromSend.samples).toBe(jobs);
    // A job cannot be through before its provider is, and is received after it is sent.
    expect(run.fromReceive.p50).toBeGreaterThan(0);
    expect(run.fromSend.max).toBeGreaterThanOrEqual(run.fromReceive.p50);
  }
  expect(low.admitted).toBe(low.sent);
  expect(low.lost).toBe(0);
}, 90_000);

test("figures of a distribution are measured ones, by nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, number) => 100 - number);
  expect(distributionOf(hundred)).toEqual({ samples: 100, p50: 50, p90: 90, p95: 95, p99: 99, max: 100 });
  expect(distributionOf([7])).toMatchObject({ p50: 7, p99: 7, max: 7 });
  expect(distributionOf([]).p99).toBeNaN();
});

test("admissions a second: from the end of the first to the end of the last, without the first's jobs", () => {
  const admissions = [10, 20, 30, 40].map((second) => ({ at: second * 1000, jobs: second * 100 }));
  expect(admittedPerSecond(admissions, 15_000, 45_000)).toBe(100);
  expect(admittedPerSecond(admissions, 35_000, 45_000)).toBeNaN();
});
