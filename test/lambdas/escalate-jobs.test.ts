import { beforeEach, describe, expect, test } from "vitest";
import { escalationPaceSchema, DEFAULT_ESCALATION_SECONDS } from "../../lambdas/domain/escalation-pace.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import type { RunJobRequest } from "../../lambdas/domain/internal-messages.ts";
import { indexEntrySchema } from "../../lambdas/domain/job-record.ts";
import { ESCALATING_MS } from "../../lambdas/escalate-jobs/escalate-batch.ts";
import {
  type EscalatePorts,
  type Escalation,
  escalateJobs,
} from "../../lambdas/escalate-jobs/escalate-jobs.ts";
import { answerAll, answerLine, completion, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const MINUTE = 60_000;
const PACE = escalationPaceSchema.parse(DEFAULT_ESCALATION_SECONDS);
const NOTHING = { batches: 0, jobs: 0, tooLate: 0, failures: [] };
const answered = { statusCode: 200, retryAfterMs: null, body: completion("direct") };

let gateway: MemoryGateway;
/** When the jobs were sent. */
let sentAt: number;

async function open(): Promise<void> {
  gateway = new MemoryGateway();
  for (const tenantId of ["acme", "globex"]) await gateway.addTenant({ tenantId });
  sentAt = gateway.now;
  withDues(gateway);
}

beforeEach(open);

async function entriesOf(linesKey: string) {
  const bytes = (await gateway.objects.get(linesKey)) ?? new Uint8Array();
  const lines = Buffer.from(bytes).toString().trim().split("\n");
  return lines.map((line) => indexEntrySchema.parse(JSON.parse(line)));
}

/** Plans say what of them is due by when. */
function withDues({ batches }: MemoryGateway): void {
  const register = batches.register.bind(batches);
  batches.register = async (plan, submitted) => {
    const entries = await entriesOf(plan.linesKey);
    const dues = [...Map.groupBy(entries, ({ due }) => due)]
      .map(([due, of]) => ({ due, jobs: of.length, tokens: of.length }))
      .toSorted((a, b) => a.due - b.due);
    await register({ dues, ...plan }, submitted);
  };
}

type Sent = {
  readonly key: string;
  readonly tenantId?: string;
  readonly minutes?: number;
  readonly model?: string;
};

/** One batch of jobs that are due so many minutes after they were sent. */
async function batchOf(...jobs: readonly Sent[]): Promise<BatchId> {
  await gateway.admit(
    jobs.map(({ key, tenantId = "acme", minutes = 60, model = "gpt-4o-mini" }) =>
      gateway.message(
        jobMessage({
          tenantId,
          idempotencyKey: key,
          deadline: new Date(sentAt + minutes * MINUTE).toISOString(),
          request: {
            provider: "openai",
            endpoint: "/v1/chat/completions",
            body: { model, messages: [{ role: "user", content: "Summarise" }] },
          },
        }),
      ),
    ),
  );
  const [batchId, ...others] = await gateway.window();
  expect(others).toEqual([]);
  return batchId!;
}

const at = (minutes: number) => (gateway.now = sentAt + minutes * MINUTE);
const escalate = (ports: EscalatePorts = gateway): Promise<Escalation> => escalateJobs(ports, PACE);

function requests(): RunJobRequest[] {
  return gateway.runs.take().flatMap((request) => (request.kind === "run" ? [request] : []));
}

async function jobOf(request: Pick<RunJobRequest, "tenantId" | "jobId">) {
  return (await gateway.jobs.get(request.tenantId, request.jobId))!;
}

async function recordOf(batchId: BatchId) {
  return (await gateway.batches.get(batchId))!;
}

describe("a batch that is not done in time", () => {
  test("loses its due jobs to sync where flex is not sold, and keeps the others", async () => {
    const batchId = await batchOf({ key: "a" }, { key: "b" }, { key: "later", minutes: 600 });
    await gateway.submit(batchId);
    at(53);
    expect(await escalate()).toEqual(NOTHING);
    at(54);
    expect(await escalate()).toEqual({ ...NOTHING, batches: 1, jobs: 2 });
    const sent = requests();
    expect(sent).toMatchObject(
      Array.from({ length: 2 }, () => ({
        reason: "escalated",
        attempt: 2,
        lane: { lane: "sync", reason: `its batch ${batchId} was not done 6 min before the due time` },
      })),
    );
    for (const request of sent) {
      const job = await jobOf(request);
      expect(job).toMatchObject({ state: "queued", attempt: 2, roundStart: 2 });
      expect(job.story).toMatchObject([{ attempt: 1, by: `escalate-${batchId}`, code: "batch_late" }]);
    }
    expect((await recordOf(batchId)).escalatedUntil).toBe(sentAt + 60 * MINUTE);
    expect(await escalate()).toEqual(NOTHING);
    expect(gateway.runs.take()).toEqual([]);
  });

  test("loses them to flex where it is sold, earlier, and by then at the latest to sync", async () => {
    const batchId = await batchOf({ key: "a", model: "gpt-5-nano" });
    at(42);
    expect(await escalate()).toEqual(NOTHING);
    at(43);
    expect(await escalate()).toMatchObject({ jobs: 1 });
    expect(requests()).toMatchObject([{ lane: { lane: "flex" } }]);
    expect((await recordOf(batchId)).state).toBe("planned");

    const next = await batchOf({ key: "b", model: "gpt-5-nano", minutes: 120 });
    at(112);
    expect(await escalate()).toMatchObject({ jobs: 1, tooLate: 0 });
    expect(requests()).toMatchObject([{ lane: { lane: "sync" } }]);
    expect((await recordOf(next)).escalatedUntil).toBe(sentAt + 120 * MINUTE);
  });

  test("moves them though nobody looked until it was too late, and says so", async () => {
    await batchOf({ key: "a" }, { key: "b" });
    at(61);
    expect(await escalate()).toEqual({ ...NOTHING, batches: 1, jobs: 2, tooLate: 2 });
    expect(requests()[0]?.lane?.reason).toContain("was not done by the due time");
  });

  test("answers after all: both are charged, and the first is delivered", async () => {
    const batchId = await batchOf({ key: "a" }, { key: "b", tenantId: "globex" });
    await gateway.submit(batchId);
    at(54);
    await escalate();
    gateway.answer = () => answered;
    const [first, second] = requests();
    await gateway.runRequested(first!);
    gateway.provider.end((await recordOf(batchId)).providerBatchId!, answerAll);
    await gateway.finish(batchId);
    // Comes when the batch has answered: nothing is called for it.
    await gateway.runRequested(second!);
    expect(gateway.calls).toBe(1);
    const lanes = await Promise.all(
      [first!, second!].map(async ({ tenantId }) => {
        const entries = await gateway.entries(tenantId);
        return {
          kinds: entries.map(({ kind }) => kind).toSorted(),
          jobs: entries.reduce((sum, { jobs }) => sum + jobs, 0),
        };
      }),
    );
    expect(lanes).toEqual([
      { kinds: ["batch", "direct"], jobs: 1 },
      { kinds: ["batch"], jobs: 1 },
    ]);
    for (const tenantId of ["acme", "globex"]) {
      const results = await gateway.results(tenantId);
      expect(new Set(results.map(({ lane }) => lane))).toEqual(
        new Set([tenantId === first!.tenantId ? "sync" : "batch"]),
      );
    }
  });

  test("is cancelled once nobody waits for it, and what it had done is charged", async () => {
    const batchId = await batchOf({ key: "a" }, { key: "b" });
    await gateway.submit(batchId);
    at(54);
    // It could not be stopped sooner.
    const unstopped = { ...PACE, stopMs: Infinity };
    expect(await gateway.poll(batchId, unstopped)).toMatchObject({ phase: "running" });
    expect((await recordOf(batchId)).cancelAt).toBeNull();
    await escalate();
    expect(await gateway.poll(batchId)).toEqual({ phase: "running", waitSeconds: 60, stuck: false });
    expect((await recordOf(batchId)).cancelAt).toBe(gateway.now);
    gateway.answer = () => answered;
    for (const request of requests()) await gateway.runRequested(request);
    gateway.provider.end((await recordOf(batchId)).providerBatchId!, ([line]) => ({
      status: "cancelled",
      output: [answerLine(line!)],
    }));
    await gateway.finish(batchId);
    expect((await recordOf(batchId)).outcome).toEqual({ answered: 1, failed: 0, surplus: 0 });
    expect(gateway.calls).toBe(2);
    const entries = await gateway.entries("acme");
    expect(entries.map(({ kind }) => kind).toSorted()).toEqual(["batch", "direct", "direct"]);
    expect(entries.reduce((sum, { jobs }) => sum + jobs, 0)).toBe(2);
    expect(await gateway.window()).toEqual([]);
    expect((await gateway.results("acme")).map(({ status, lane }) => [status, lane])).toEqual([
      ["succeeded", "sync"],
      ["succeeded", "sync"],
    ]);
  });

  test("is not sent to the provider any more once nobody waits for it", async () => {
    const batchId = await batchOf({ key: "a" });
    at(54);
    await escalate();
    expect(await gateway.submit(batchId)).toEqual({ kind: "refused", isUnneeded: true });
    expect(await gateway.submit(batchId)).toEqual({ kind: "refused", isUnneeded: true });
    expect(gateway.provider.created).toEqual([]);
    await gateway.finish(batchId);
    expect(await gateway.window()).toEqual([]);
    gateway.answer = () => answered;
    for (const request of requests()) await gateway.runRequested(request);
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded", lane: "sync" }]);
  });

  test("whose create was lost is found and adopted, to be cancelled", async () => {
    const batchId = await batchOf({ key: "a" });
    const create = gateway.provider.create.bind(gateway.provider);
    gateway.provider.create = async (input) => {
      await create(input);
      throw new Error("socket hang up");
    };
    await expect(gateway.submit(batchId)).rejects.toThrow("socket hang up");
    at(54);
    await escalate();
    expect(await gateway.submit(batchId)).toEqual({ kind: "submitted" });
    await gateway.poll(batchId);
    expect((await recordOf(batchId)).cancelAt).toBe(gateway.now);
  });
});

describe("left alone are", () => {
  test("jobs that ended, were cancelled or moved on", async () => {
    const batchId = await batchOf({ key: "a" }, { key: "b" }, { key: "c" });
    await gateway.submit(batchId);
    await gateway.admit([gateway.message({ version: 1, tenantId: "acme", cancel: { idempotencyKey: "a" } })]);
    const moved = await jobRefOf(batchId, "b");
    await gateway.jobs.requeue({ ...moved, by: "another", at: gateway.now, code: "x", counts: true });
    at(54);
    expect(await escalate()).toMatchObject({ jobs: 1 });
    expect(requests()).toHaveLength(1);
    expect((await recordOf(batchId)).escalatedUntil).not.toBeNull();
  });

  test("batches that were collected, closed, or are somebody's double", async () => {
    const batchId = await batchOf({ key: "a" });
    await gateway.submit(batchId);
    gateway.provider.end((await recordOf(batchId)).providerBatchId!, answerAll);
    await gateway.collect(batchId);
    const { plan } = await recordOf(batchId);
    const orphan = { ...plan, batchId: `${batchId}-o-1` as BatchId, orphanOf: batchId };
    await gateway.batches.register(orphan, { providerBatchId: "batch_x", at: gateway.now });
    at(59);
    expect(await escalate()).toEqual(NOTHING);
  });

  test("accounts without credit, until they have some", async () => {
    await batchOf({ key: "a" });
    at(54);
    await gateway.batches.hold("openai", { until: sentAt + 58 * MINUTE, code: "x", message: "no credit" });
    expect(await escalate()).toEqual(NOTHING);
    at(58);
    expect(await escalate()).toMatchObject({ jobs: 1 });
  });
});

/** The attempt of a job in a batch, as a move names it. */
async function jobRefOf(batchId: BatchId, key: string) {
  const { plan } = await recordOf(batchId);
  for (const entry of await entriesOf(plan.linesKey)) {
    const { source, tenantId, jobId, attempt } = entry;
    const line = await gateway.objects.getRange(source.key, source.offset, source.length);
    if (Buffer.from(line).toString().includes(`"idempotencyKey":"${key}"`))
      return { tenantId, jobId, attempt };
  }
  throw new Error(`${batchId} has no job of the key ${key}`);
}

test("batches of one account share its lanes: together they are late earlier", async () => {
  const slow = { ...PACE, jobsPerSecond: 1 / 60 };
  await batchOf({ key: "a" }, { key: "b" });
  await batchOf({ key: "c" }, { key: "d" });
  // Alone, two minutes for two jobs, one for the call and five to spare.
  at(50);
  expect(await escalateJobs(gateway, slow)).toMatchObject({ batches: 2, jobs: 4 });
});

test("a batch that cannot be read holds up no other", async () => {
  const batchId = await batchOf({ key: "a" });
  await batchOf({ key: "b", tenantId: "globex" });
  at(54);
  const { linesKey } = (await recordOf(batchId)).plan;
  const bytes = await gateway.objects.get(linesKey);
  await gateway.objects.delete([linesKey]);
  const { failures, ...found } = await escalate();
  expect([found, failures.length]).toEqual([{ batches: 1, jobs: 1, tooLate: 0 }, 1]);
  expect(requests()).toMatchObject([{ tenantId: "globex" }]);
  await gateway.objects.put(linesKey, bytes!);
  expect(await escalate()).toMatchObject({ jobs: 1, failures: [] });
});

test("two looks at once send each job's request, and the batch is noted", async () => {
  const batchId = await batchOf({ key: "a" }, { key: "b" });
  at(54);
  await Promise.all([escalate(), escalate()]);
  expect(new Set(requests().map(({ jobId }) => jobId)).size).toBe(2);
  expect((await recordOf(batchId)).escalatedUntil).not.toBeNull();
});

test("a look leaves to another what it has just moved, until that must be dead", async () => {
  const batchId = await batchOf({ key: "a" });
  at(54);
  const send = gateway.runs.send.bind(gateway.runs);
  gateway.runs.send = () => Promise.reject(new Error("died"));
  expect((await escalate()).failures).toHaveLength(1);
  gateway.runs.send = send;
  gateway.now += MINUTE;
  expect(await escalate()).toEqual(NOTHING);
  expect((await recordOf(batchId)).escalatedUntil).toBeNull();
  gateway.now += ESCALATING_MS;
  expect(await escalate()).toMatchObject({ jobs: 1 });
  expect(requests()).toHaveLength(1);
  expect((await recordOf(batchId)).escalatedUntil).not.toBeNull();
});

test("what was begun is finished while its batch is settled, but nothing more leaves it", async () => {
  const batchId = await batchOf({ key: "a" }, { key: "b" });
  await gateway.submit(batchId);
  at(54);
  const requeue = gateway.jobs.requeue.bind(gateway.jobs);
  let moves = 0;
  gateway.jobs.requeue = async (move) => {
    if ((moves += 1) > 1) throw new Error("died");
    return requeue(move);
  };
  expect((await escalate()).failures).toHaveLength(1);
  gateway.jobs.requeue = requeue;
  gateway.provider.end((await recordOf(batchId)).providerBatchId!, () => ({ status: "expired", output: [] }));
  await gateway.collect(batchId);
  gateway.now += ESCALATING_MS;
  const markers = async () => Array.fromAsync(gateway.objects.list("batches/late/"));
  expect(await escalate()).toMatchObject({ jobs: 1 });
  expect(requests()).toHaveLength(1);
  // Until it is closed, a worker that slept may move the other.
  expect(await markers()).toHaveLength(1);
  await gateway.finish(batchId);
  await escalate();
  expect(await markers()).toEqual([]);
});

describe("a worker that dies", () => {
  const JOBS = [{ key: "a" }, { key: "b" }, { key: "c", tenantId: "globex" }, { key: "later", minutes: 600 }];

  /** The ports, whose `nth` call dies without or with its effect; `count` tells how many there were. */
  function dying(nth: number, when: "before" | "after") {
    let calls = 0;
    const wrap = <Port extends object>(port: Port): Port =>
      new Proxy(port, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== "function") return value;
          return (...parameters: unknown[]) => {
            const number = (calls += 1);
            if (number > nth || (number === nth && when === "before")) throw new Error("died");
            const answer: unknown = Reflect.apply(value, target, parameters);
            if (number < nth || !(answer instanceof Promise)) return answer;
            return answer.then(() => Promise.reject(new Error("died")));
          };
        },
      });
    const { objects, jobs, batches, runs, runtime } = gateway;
    const ports: EscalatePorts = {
      objects: wrap(objects),
      jobs: wrap(jobs),
      batches: wrap(batches),
      runs: wrap(runs),
      runtime,
    };
    return { ports, calls: () => calls };
  }

  /** The looks of the next minutes, after which nothing is begun that is not finished. */
  async function lookOn(): Promise<void> {
    for (let look = 0; look < 5; look += 1) {
      gateway.now += MINUTE;
      expect((await escalate()).failures).toEqual([]);
    }
    expect(await Array.fromAsync(gateway.objects.list("batches/late/"))).toEqual([]);
  }

  test.each(["before", "after"] as const)(
    "%s the effect of any call, with a batch that fails and is closed before the next look, leaves no job to nobody",
    async (when) => {
      for (let nth = 1, calls = Infinity; nth <= calls; nth += 1) {
        await open();
        gateway.answer = () => answered;
        const batchId = await batchOf(...JOBS);
        await gateway.submit(batchId);
        at(54);
        const worker = dying(nth, when);
        await escalate(worker.ports);
        calls = worker.calls();
        gateway.provider.end((await recordOf(batchId)).providerBatchId!, () => ({
          status: "expired",
          output: [],
        }));
        await gateway.finish(batchId);
        await lookOn();
        for (const request of requests()) await gateway.runRequested(request);
        // Whoever did not leave the batch goes into the next one.
        const others = await gateway.window();
        for (const other of others) await gateway.runBatch(other, answerAll);
        const ended = [...(await gateway.results("acme")), ...(await gateway.results("globex"))];
        expect(new Set(ended.map(({ jobId }) => jobId)).size, `call ${nth}`).toBe(4);
      }
    },
  );

  test.each(["before", "after"] as const)(
    "%s the effect of any call, leaves it to the next looks: each due job is run once",
    async (when) => {
      for (let nth = 1, calls = Infinity; nth <= calls; nth += 1) {
        await open();
        gateway.answer = () => answered;
        const batchId = await batchOf(...JOBS);
        at(54);
        const worker = dying(nth, when);
        await escalate(worker.ports);
        calls = worker.calls();
        await lookOn();
        const sent = requests();
        expect(new Set(sent.map(({ jobId }) => jobId)).size, `call ${nth}`).toBe(3);
        expect((await recordOf(batchId)).escalatedUntil).toBe(sentAt + 60 * MINUTE);
        for (const request of sent) await gateway.runRequested(request);
        expect(gateway.calls).toBe(3);
      }
    },
  );
});
