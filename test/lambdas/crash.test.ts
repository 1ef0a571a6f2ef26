import { expect, test } from "vitest";
import { parseCustomId, type TenantId } from "../../lambdas/domain/ids.ts";
import { type ResultMessage, resultEnvelopeSchema } from "../../lambdas/domain/result-message.ts";
import { CrashingGateway } from "./support/crashing-gateway.ts";
import { jobIdIn } from "./support/crashing-provider.ts";
import { type Random, seededRandom } from "./support/crashing-ports.ts";
import { customIdOfLine, jobMessage } from "./support/memory-gateway.ts";

const RUNS = 400;
const TENANTS = ["acme", "globex", "initech"] as const;
/** Turns with faults, and turns in which what is left must come to rest. */
const FAULTY_TURNS = 60;
const QUIET_TURNS = 400;
/** Turns without anything to do after which nothing more can come: longer than the oldest unfinished segment. */
const IDLE_TURNS = 12;

type Sent = {
  readonly tenantId: string;
  readonly key: string;
  readonly urgent: boolean;
  readonly prompt: string;
};

function drawJobs(random: Random): Sent[] {
  return Array.from({ length: 6 + Math.floor(random() * 8) }, (_, number) => {
    const tenantId = TENANTS[Math.floor(random() * TENANTS.length)]!;
    const key = `job-${number}`;
    return { tenantId, key, urgent: random() < 0.3, prompt: `${tenantId}/${key}` };
  });
}

/** A job's message; what only describes the job may differ from one sending to the next. */
function send(world: CrashingGateway, random: Random, sent: Sent, retry = false): void {
  const { tenantId, key, urgent, prompt } = sent;
  const fields = jobMessage({
    tenantId,
    idempotencyKey: key,
    taskType: urgent ? "live_chat_response" : "post_call_summary",
    agentId: `agent-${Math.floor(random() * 3)}`,
    request: {
      provider: "openai",
      endpoint: "/v1/chat/completions",
      body: { model: "gpt-5-nano", messages: [{ role: "user", content: prompt }] },
    },
    ...(retry && { retry }),
  });
  // A queue is only transport: some come through the other one.
  const slow = random() < 0.1 ? urgent : !urgent;
  world.jobMessages.add([world.gateway.message(fields, slow ? "normal" : "critical")]);
}

function sendBadOnes(world: CrashingGateway): void {
  const { gateway } = world;
  world.jobMessages.add([
    gateway.message("no JSON"),
    gateway.message(jobMessage({ tenantId: "unknown" }), "critical"),
    gateway.message(jobMessage({ tenantId: "acme", idempotencyKey: "bad", tier: "whenever" }), "low"),
  ]);
}

function delivered(world: CrashingGateway): Map<string, ResultMessage[]> {
  return new Map(
    TENANTS.map((tenantId) => {
      const bodies = world.gateway.queues.take(`https://sqs.test/${tenantId}`);
      const results = bodies.flatMap((body) => {
        const envelope = resultEnvelopeSchema.parse(JSON.parse(body));
        return "results" in envelope ? envelope.results : [envelope];
      });
      return [tenantId, results];
    }),
  );
}

async function drive(world: CrashingGateway, random: Random, jobs: readonly Sent[]): Promise<Set<string>> {
  const reopened = new Set<string>();
  for (const job of jobs) send(world, random, job);
  sendBadOnes(world);
  let idle = 0;
  for (let turn = 0; idle < IDLE_TURNS; turn += 1) {
    if (turn < FAULTY_TURNS) {
      const job = jobs[Math.floor(random() * jobs.length)]!;
      if (random() < 0.15) {
        const retry = random() < 0.3;
        if (retry) reopened.add(job.prompt);
        send(world, random, job, retry);
      }
    } else {
      world.faults = 0;
      world.provider.trouble = 0.001;
    }
    await world.turn();
    idle = turn >= FAULTY_TURNS && world.isQuiet ? idle + 1 : 0;
    if (turn > FAULTY_TURNS + QUIET_TURNS) throw new Error(`never quiet: ${waiting(world)}`);
  }
  return reopened;
}

function waiting(world: CrashingGateway): string {
  const { jobMessages, runRequests, deliveries, deadLetters, executions } = world;
  const queues = { jobMessages, runRequests, deliveries, deadLetters };
  const sizes = Object.entries(queues).map(([name, { messages }]) => `${name} ${messages.length}`);
  return [...sizes, `executions ${executions.length}`].join(", ");
}

async function checkEnds(world: CrashingGateway, jobs: readonly Sent[], reopened: ReadonlySet<string>) {
  const results = delivered(world);
  for (const { tenantId, key, prompt } of jobs) {
    const job = await world.gateway.jobs.get(tenantId as TenantId, jobIdIn(tenantId, key));
    if (job?.state !== "ended") throw new Error(`${prompt} is ${job?.state ?? "unknown"}`);
    const own = results.get(tenantId)!.filter((result) => result.idempotencyKey === key);
    expect(
      own.map(({ status }) => status),
      prompt,
    ).toContain(job.status);
    if (!reopened.has(prompt)) {
      const different = new Set(own.map(({ result: _place, ...told }) => JSON.stringify(told)));
      expect([...different], `results of ${prompt}`).toHaveLength(1);
    }
    for (const { response, status } of own)
      expect(JSON.stringify(response).includes(`"re: ${prompt}"`), prompt).toBe(status === "succeeded");
  }
  const keys = new Set(jobs.map(({ tenantId, key }) => `${tenantId}/${key}`));
  for (const [tenantId, told] of results)
    for (const result of told) {
      expect(result.tenantId).toBe(tenantId);
      if (result.status !== "rejected") expect(keys).toContain(`${tenantId}/${result.idempotencyKey}`);
    }
  expect(results.get("acme")!.some(({ idempotencyKey }) => idempotencyKey === "bad")).toBe(true);
  expect(new Set(world.deadLetters.messages.map((letter) => letter.reason.code))).toEqual(
    new Set(["invalid_json", "unknown_tenant"]),
  );
}

async function checkLedger(world: CrashingGateway, jobs: readonly Sent[]): Promise<void> {
  const { batchInvoice, directInvoice } = world.provider;
  for (const tenantId of TENANTS) {
    const entries = await world.gateway.entries(tenantId);
    const own = jobs.filter((job) => job.tenantId === tenantId);
    const paid = entries
      .filter(({ kind }) => kind === "batch")
      .reduce((sum, entry) => sum + BigInt(entry.costPicoUsd), 0n);
    const billed = own.reduce((sum, { prompt }) => sum + (batchInvoice.get(prompt) ?? 0n), 0n);
    expect(paid, `batches of ${tenantId}`).toBe(billed);
    for (const { key, prompt } of own) {
      const jobId = jobIdIn(tenantId, key);
      const named = (kind: string) =>
        new Map(
          entries
            .filter((entry) => entry.kind === kind && entry.entryId.includes(`#${jobId}#`))
            .map(({ entryId, costPicoUsd }) => [Number(entryId.split("#").at(-1)), BigInt(costPicoUsd)]),
        );
      const direct = named("direct");
      const unconfirmed = named("unconfirmed");
      const bills = new Map((directInvoice.get(prompt) ?? []).map(({ attempt, cost }) => [attempt, cost]));
      for (const [attempt, cost] of direct)
        expect(cost, `${prompt}, call ${attempt}`).toBe(bills.get(attempt));
      // Every bill is an entry, or one that the operator is shown as unconfirmed; none is both.
      for (const attempt of bills.keys())
        expect(
          [direct.has(attempt), unconfirmed.has(attempt)].toSorted(),
          `${prompt}, call ${attempt}`,
        ).toEqual([false, true]);
      // An answer that was kept is never paid for in vain.
      for await (const { key } of world.gateway.objects.list(`results/tenant=${tenantId}/${jobId}-`)) {
        const kept = JSON.parse(
          Buffer.from((await world.gateway.objects.get(key))!).toString(),
        ) as ResultMessage;
        if (kept.status === "succeeded") expect(direct.has(kept.attempts), `${key} in the ledger`).toBe(true);
      }
    }
  }
}

function checkBatches(world: CrashingGateway): void {
  const sent = new Set<string>();
  for (const lines of world.provider.batches.values()) {
    expect(lines.length).toBeLessThanOrEqual(world.limits.maxRequests);
    const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    expect(bytes).toBeLessThanOrEqual(world.limits.maxBytes);
    for (const line of lines) {
      const customId = customIdOfLine(line);
      expect(parseCustomId(customId), customId).toBeDefined();
      expect(sent.has(customId), `${customId} was sent before`).toBe(false);
      sent.add(customId);
    }
  }
}

async function runOnce(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const world = new CrashingGateway(random, seed % 3 !== 0);
  for (const tenantId of TENANTS)
    await world.gateway.addTenant({ tenantId, isolation: tenantId === "initech" ? "dedicated" : "shared" });
  const jobs = drawJobs(random);
  const reopened = await drive(world, random, jobs);
  checkBatches(world);
  await checkEnds(world, jobs, reopened);
  await checkLedger(world, jobs);
}

const FIRST_SEED = Number(process.env["CRASH_SEED"] ?? 1);
const COUNT = process.env["CRASH_SEED"] === undefined ? RUNS : 1;

test(`whatever crashes, every job ends once, told to its tenant and paid once (${COUNT} runs)`, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT; seed += 1) {
    try {
      await runOnce(seed);
    } catch (error) {
      throw new Error(`seed ${seed} (CRASH_SEED=${seed} runs it alone): ${String(error)}`, { cause: error });
    }
  }
}, 120_000);
