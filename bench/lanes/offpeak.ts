import { type BenchJob, DAYS, START, TENANTS } from "./arrivals.ts";
import { LaneWorld, tenantName } from "./lane-world.ts";
import type { Fate } from "./scenarios.ts";
import { jobCost, MODEL, USAGE } from "./strategies.ts";
import type { Stage } from "../../test/simulation/stage.ts";
import { DAY, HOUR } from "../../test/simulation/simulation-clock.ts";

/** What the gateway made of a week. */
export type OffpeakWeek = {
  /** When each job's first result reached its tenant, in the order of the jobs; Infinity where none did. */
  readonly doneAt: readonly number[];
  readonly costPicoUsd: bigint;
  readonly premiumPicoUsd: bigint;
  readonly invoicePicoUsd: bigint;
  readonly unsuccessful: number;
  /** Jobs by the lane that their result came from. */
  readonly lanes: Readonly<Record<string, number>>;
  readonly batches: number;
  readonly transitions: number;
  readonly failures: readonly (readonly [string, number])[];
};

const TASKS = {
  critical: "safety_check",
  high: "email_draft",
  normal: "lead_scoring",
  low: "data_enrichment",
};

/** Sends the jobs to the gateway, each when it is due to be sent, and lets it work until nothing is left to do. */
export async function runOffpeak(
  stage: Stage,
  jobs: readonly BenchJob[],
  fate: Fate,
  seed: number,
  progress: (done: number) => void,
): Promise<OffpeakWeek> {
  const world = new LaneWorld(stage, fate, seed, jobs.length);
  await world.putTenants();
  const sendFrom = (next: number): void => {
    const job = jobs[next];
    if (job === undefined) return;
    world.clock.after(job.at - world.clock.now(), () => {
      world.queue(`jobs-${job.tier}`).send(messageOf(job), "AROAANY:app");
      if (next % 1000 === 0) progress(world.told.first.size);
      sendFrom(next + 1);
    });
  };
  sendFrom(0);
  const end = START + DAYS * DAY;
  let quietSince = Infinity;
  await world.clock.run(() => {
    const now = world.clock.now();
    if (now < end || world.told.first.size < jobs.length || !world.isIdle) quietSince = Infinity;
    else quietSince = Math.min(quietSince, now);
    return now > quietSince + HOUR || now > end + 4 * DAY;
  });
  await world.machines.stop();
  return weekOf(world, jobs);
}

function messageOf({ number, tenant, tier }: BenchJob): string {
  return JSON.stringify({
    version: 1,
    tenantId: tenantName(tenant),
    idempotencyKey: String(number),
    taskType: TASKS[tier],
    vertical: "salon",
    agentId: "bench",
    tier,
    request: {
      provider: "openai",
      endpoint: "/v1/chat/completions",
      body: {
        model: MODEL,
        messages: [{ role: "user", content: "x" }],
        max_completion_tokens: USAGE.outputTokens,
      },
    },
  });
}

async function weekOf(world: LaneWorld, jobs: readonly BenchJob[]): Promise<OffpeakWeek> {
  const { told, batchService, directService, machines } = world;
  let cost = 0n;
  let premium = 0n;
  for (let tenant = 0; tenant < TENANTS; tenant += 1)
    for await (const entry of world.ledger.entries(tenantName(tenant), "2026-01-01", "2027-12-31")) {
      cost += BigInt(entry.costPicoUsd);
      premium += BigInt(entry.premiumPicoUsd ?? "0");
    }
  const results = jobs.map(({ number }) => told.first.get(String(number)));
  const invoice =
    BigInt(batchService.billedLines) * jobCost("batch") +
    BigInt(directService.billed.sync) * jobCost("sync") +
    BigInt(directService.billed.flex) * jobCost("flex");
  const lanes: Record<string, number> = {};
  for (const { lane } of told.first.values()) lanes[lane ?? "none"] = (lanes[lane ?? "none"] ?? 0) + 1;
  return {
    doneAt: results.map((result) => result?.at ?? Infinity),
    costPicoUsd: cost,
    premiumPicoUsd: premium,
    invoicePicoUsd: invoice,
    unsuccessful: results.filter((result) => result?.status !== "succeeded").length,
    lanes,
    batches: batchService.created,
    transitions: machines.transitions,
    failures: [...world.failures],
  };
}
