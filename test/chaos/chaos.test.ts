import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GATEWAY_FUNCTION_IDS, type GatewayFunctionId } from "../../lib/function-limits.ts";
import { runSeed } from "./run-seed.ts";

// Workers die in the middle of whatever they do, on the real local stack, under every figure that AWS would have.
// CHAOS_SEEDS=20 runs seeds 1 to 20, CHAOS_SEED=7 the seventh alone.

const COUNT = Number(process.env["CHAOS_SEEDS"] ?? 2);
const ONE = process.env["CHAOS_SEED"];
const SEEDS = ONE === undefined ? Array.from({ length: COUNT }, (_, index) => index + 1) : [Number(ONE)];
/** So many seeds must have killed every function. */
const SEEDS_FOR_ALL = 20;

const killed = new Map<GatewayFunctionId, number>();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "offpeak-chaos-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("workers killed at random", { timeout: 240_000 }, () => {
  test.each(SEEDS)("seed %i: nothing is lost, nothing is billed twice", async (seed) => {
    const { report, faults, kills, story, unconfirmed } = await runSeed(
      seed,
      path.join(folder, String(seed)),
    );
    for (const [id, count] of kills) killed.set(id, (killed.get(id) ?? 0) + count);
    const names = [...kills].map(([id, count]) => `${id} ${count}`).join(", ");
    const seconds = report.seconds.toFixed(1);
    process.stdout.write(`seed ${seed}: ${seconds} s, ${unconfirmed} calls cut off; killed ${names}\n`);
    const told = `run it alone with CHAOS_SEED=${seed}; killed:\n${story.join("\n")}`;
    expect(faults, told).toEqual([]);
    expect(report.jobs, told).toMatchObject({ lost: 0, succeeded: report.jobs.distinct });
    expect(story.length, told).toBeGreaterThanOrEqual(1);
  });

  test.runIf(SEEDS.length >= SEEDS_FOR_ALL)("over all seeds a worker of every function was killed", () => {
    expect(GATEWAY_FUNCTION_IDS.filter((id) => !killed.has(id))).toEqual([]);
  });
});
