import { randomInt } from "node:crypto";
import { describe, expect, test } from "vitest";
import { MUTANTS } from "./mutant-list.ts";
import { gapsOf } from "./coverage.ts";
import { Random } from "./random.ts";
import { type RunSummary, runSummary } from "./run-summary.ts";
import { simulateRun } from "./simulate-run.ts";
import { SimulationClock } from "./simulation-clock.ts";
import { readStage } from "./stage.ts";
import { Tally } from "./tally.ts";
import { occurrences } from "./try-mutants.ts";

/** Seeds that every check of a change runs: most of them once found something. */
const SEEDS = [914, 921, 10044, 412, 432, 5048];
const JOBS = 200;
const RANDOM_SEED = randomInt(1_000_000, 2 ** 31);
const stage = readStage();

function runOf(seed: number): Promise<RunSummary> {
  return runSummary(stage, { seed, jobs: JOBS, without: [], only: null, traced: false });
}

function complaintsOf({ violations, seed }: RunSummary): string[] {
  return violations.map(({ invariant, what }) => `seed ${seed}: ${invariant}: ${what}`);
}

describe("whatever happens, nothing is lost, nothing billed twice and nothing left behind", () => {
  test.each(SEEDS)(
    "seed %i",
    async (seed) => {
      const run = await runOf(seed);
      expect(complaintsOf(run)).toEqual([]);
      expect(run.jobs).toBe(JOBS);
      expect(run.tenants).toBeGreaterThanOrEqual(8);
      expect(run.batches).toBeGreaterThanOrEqual(4);
      expect(run.providers).toBe(2);
    },
    60_000,
  );

  test(`a random seed, ${RANDOM_SEED} (npm run simulate -- --seed ${RANDOM_SEED} --runs 1)`, async () => {
    expect(complaintsOf(await runOf(RANDOM_SEED))).toEqual([]);
  }, 60_000);
});

test("the same seed is the same run", async () => {
  const traces = await Promise.all(
    [1, 2].map(async () => {
      const options = { seed: 4, jobs: 60, without: [], only: null, traced: true };
      const { trace } = await simulateRun(stage, options);
      return { events: trace.length, digest: trace.digest() };
    }),
  );
  expect(traces[0]).toEqual(traces[1]);
  expect(traces[0]?.events).toBeGreaterThan(1000);
}, 60_000);

test("a run without faults is a run, too", async () => {
  const stillCounted = await runOf(1);
  const run = await runSummary(stage, {
    seed: 1,
    jobs: 20,
    without: ["crash-before", "crash-after"],
    only: null,
    traced: false,
  });
  expect(complaintsOf(run)).toEqual([]);
  expect(stillCounted.tally["crash-before"]).toBeDefined();
  expect(run.tally["crash-before"]).toBeUndefined();
}, 60_000);

test("what was not exercised is said", () => {
  const tally = new Tally();
  tally.add("calls", "AdmitJobs jobs.claim", 100);
  tally.add("calls", "FreezeWindow jobs.claim", 3);
  tally.add("crash-after", "AdmitJobs jobs.claim", 5);
  const gaps = gapsOf(tally);
  expect(gaps).toContain("crash-before of jobs.claim: 0 of 5 times, in 103 calls");
  expect(gaps).toContain("crash-before of AdmitJobs jobs.claim: 0 of 5 times, in 100 calls");
  // Too seldom to be asked for by itself.
  expect(gaps.some((gap) => gap.includes("FreezeWindow") || gap.startsWith("crash-after"))).toBe(false);
  expect(gaps).toContain('fault "stuck in finalizing": 0 of 20 times');
});

test("each mutant still has its place in the code", async () => {
  const edits = MUTANTS.flatMap(({ name, edits }) => edits.map((edit) => ({ name, ...edit })));
  const counted = await Promise.all(
    edits.map(async (edit) => ({ ...edit, places: await occurrences(edit) })),
  );
  expect(
    counted.filter(({ places }) => places !== 1).map(({ name, find, places }) => ({ name, find, places })),
  ).toEqual([]);
});

describe("a simulated world's clock", () => {
  test("fires in order of time, and of creation at the same time", async () => {
    const clock = new SimulationClock(0);
    const fired: number[] = [];
    const random = new Random(7);
    const times = Array.from({ length: 200 }, () => random.below(50));
    for (const [number, time] of times.entries()) clock.after(time, () => fired.push(number));
    clock.after(10, () => fired.push(-1))();
    expect(await clock.run(() => false)).toBe("dry");
    const expected = times
      .map((time, number) => ({ time, number }))
      .toSorted((a, b) => a.time - b.time || a.number - b.number);
    expect(fired).toEqual(expected.map(({ number }) => number));
    expect(clock.now()).toBe(Math.max(...times));
  });

  test("is never read the same twice", () => {
    const clock = new SimulationClock(5);
    expect([clock.reading(), clock.reading(), clock.reading()]).toEqual([5, 6, 7]);
  });
});
