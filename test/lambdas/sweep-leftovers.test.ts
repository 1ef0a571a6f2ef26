import { beforeEach, describe, expect, test } from "vitest";
import { LostAnswerError } from "../../lambdas/domain/failures.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import { answerAll, answerLine, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const MINUTE = 60_000;
const NOTHING = {
  segmentsFinished: 0,
  segmentsLeftBehind: 0,
  orphansAdopted: 0,
  batchesStarted: 0,
  batchesPastDue: 0,
  reservationsOpen: 0,
  failures: [],
};
let gateway: MemoryGateway;

async function open(options: { readonly namesBatches?: boolean } = {}): Promise<void> {
  gateway = new MemoryGateway(options);
  await gateway.addTenant({ tenantId: "acme" });
}

beforeEach(() => open());

function only<Item>(items: readonly Item[]): Item {
  expect(items).toHaveLength(1);
  return items[0]!;
}

let serial = 0;
async function admit(jobs: number): Promise<void> {
  await gateway.admit(
    Array.from({ length: jobs }, () =>
      gateway.message(jobMessage({ idempotencyKey: `job-${(serial += 1)}`, tier: "low" })),
    ),
  );
}

async function batchOf(jobs: number): Promise<BatchId> {
  await admit(jobs);
  return only(await gateway.window());
}

const openBatches = async () =>
  (await Array.fromAsync(gateway.batches.listOpen("openai"))).map(({ batchId }) => batchId);

/** The create's answer is lost once, and the batch is not listed until somebody creates another. */
function loseOneCreate(): void {
  const { provider } = gateway;
  const create = provider.create.bind(provider);
  const listSince = provider.listSince.bind(provider);
  let lost = false;
  provider.create = async (input) => {
    const created = await create(input);
    if (lost) {
      provider.listSince = listSince;
      return created;
    }
    lost = true;
    provider.listSince = async function* () {};
    throw new LostAnswerError("cut");
  };
}

/** Two batches at the provider for the requests of one of ours. */
async function doubled(jobs: number): Promise<{ batchId: BatchId; first: string; second: string }> {
  const batchId = await batchOf(jobs);
  loseOneCreate();
  await expect(gateway.submit(batchId)).rejects.toThrow("cut");
  gateway.now += 10 * MINUTE;
  await gateway.submit(batchId);
  const [first, second] = gateway.provider.created;
  return { batchId, first: first!, second: second! };
}

const answersPaid = async () =>
  (await gateway.entries("acme")).reduce((sum, { answers }) => sum + answers, 0);

test("a sweep with nothing to do does nothing, however often", async () => {
  expect(await gateway.sweep()).toEqual(NOTHING);
  const batchId = await batchOf(2);
  await gateway.executions.startRunBatch(batchId, 1);
  await gateway.submit(batchId);
  for (let time = 0; time < 2; time += 1) expect(await gateway.sweep()).toEqual(NOTHING);
  expect(gateway.executions.names()).toEqual([`${batchId}-1`]);
  gateway.provider.end(only(gateway.provider.created), answerAll);
  await gateway.finish(batchId);
  expect(await gateway.sweep()).toEqual(NOTHING);
  expect(gateway.provider.created).toHaveLength(1);
});

describe("segments", () => {
  test("whose writer died are finished, though no window runs", async () => {
    const put = gateway.objects.put.bind(gateway.objects);
    gateway.objects.put = async (key, body) => {
      if (key.startsWith("segments/index/")) throw new Error("died");
      return put(key, body);
    };
    await admit(2);
    gateway.objects.put = put;
    expect(await gateway.sweep()).toEqual(NOTHING);
    gateway.now += 6 * MINUTE;
    expect(await gateway.sweep()).toEqual({ ...NOTHING, segmentsFinished: 1 });
    expect(await gateway.sweep()).toEqual(NOTHING);
    expect(await gateway.window()).toHaveLength(1);
  });

  test("that no window takes for an hour are told of", async () => {
    await admit(1);
    gateway.now += 60 * MINUTE;
    expect(await gateway.sweep()).toEqual({ ...NOTHING, segmentsLeftBehind: 1 });
  });
});

describe("open batches", () => {
  test("that nothing runs are started, under the next generation once an execution has ended", async () => {
    const batchId = await batchOf(1);
    expect(await gateway.sweep()).toEqual({ ...NOTHING, batchesStarted: 1 });
    expect(await gateway.sweep()).toEqual(NOTHING);
    gateway.executions.end(batchId, 1);
    expect(await gateway.sweep()).toEqual({ ...NOTHING, batchesStarted: 1 });
    expect(gateway.executions.names()).toEqual([`${batchId}-1`, `${batchId}-2`]);
  });

  test("hours past due are counted", async () => {
    const batchId = await batchOf(1);
    await gateway.executions.startRunBatch(batchId, 1);
    gateway.now += 27 * 60 * MINUTE;
    expect(await gateway.sweep()).toEqual(NOTHING);
    gateway.now += 60 * MINUTE;
    expect(await gateway.sweep()).toEqual({ ...NOTHING, batchesPastDue: 1 });
  });

  test("one that cannot be started holds up no other", async () => {
    const first = await batchOf(1);
    const second = await batchOf(1);
    const start = gateway.executions.startRunBatch.bind(gateway.executions);
    gateway.executions.startRunBatch = async (id, generation) => {
      if (id === first) throw new Error("throttled");
      return start(id, generation);
    };
    expect(await gateway.sweep()).toMatchObject({ batchesStarted: 1, failures: [new Error("throttled")] });
    expect(gateway.executions.names()).toEqual([`${second}-1`]);
  });
});

describe.each([true, false])("a second batch of the same requests, where batches are named: %s", (named) => {
  beforeEach(() => open({ namesBatches: named }));

  test("is adopted, and settled for what it billed; each job ends once", async () => {
    const { batchId, first, second } = await doubled(3);
    await gateway.executions.startRunBatch(batchId, 1);
    expect((await gateway.batches.get(batchId))!.providerBatchId).toBe(second);
    // Without a name it is known by its results alone.
    if (!named) gateway.provider.end(first, answerAll);
    expect(await gateway.sweep()).toEqual({ ...NOTHING, orphansAdopted: 1, batchesStarted: 1 });
    expect(await gateway.sweep()).toEqual(NOTHING);
    const orphan = only((await openBatches()).filter((id) => id !== batchId));
    if (named) {
      gateway.provider.cancel = async () =>
        gateway.provider.end(first, (lines) => ({ status: "cancelled", output: [answerLine(lines[0]!)] }));
      expect(await gateway.poll(orphan)).toMatchObject({ phase: "running" });
    }
    expect(await gateway.poll(orphan)).toMatchObject({ phase: "ended" });
    await gateway.finish(orphan);
    const early = named ? 1 : 3;
    expect(await gateway.results("acme")).toHaveLength(early);
    gateway.provider.end(second, answerAll);
    await gateway.finish(batchId);
    expect(await gateway.results("acme")).toHaveLength(3 - early);
    expect(await answersPaid()).toBe(3 + early);
    expect(await openBatches()).toEqual([]);
    expect(await gateway.window()).toEqual([]);
  });

  test("its failures move no job: they are the other's to move", async () => {
    const { batchId, first, second } = await doubled(2);
    gateway.provider.end(first, (lines) => ({ status: "expired", output: [answerLine(lines[0]!)] }));
    await gateway.sweep();
    const orphan = only((await openBatches()).filter((id) => id !== batchId));
    await gateway.finish(orphan);
    expect(await gateway.window()).toEqual([]);
    gateway.provider.end(second, answerAll);
    await gateway.finish(batchId);
    expect(await gateway.results("acme")).toHaveLength(2);
    expect(await answersPaid()).toBe(3);
  });

  test("an adoption that broke off between its two writes is made again", async () => {
    await doubled(1);
    for (const id of gateway.provider.created.slice(0, 1)) gateway.provider.end(id, answerAll);
    const register = gateway.batches.register.bind(gateway.batches);
    gateway.batches.register = async () => {
      throw new Error("died");
    };
    expect(await gateway.sweep()).toMatchObject({ orphansAdopted: 0, failures: [new Error("died")] });
    gateway.batches.register = register;
    expect(await gateway.sweep()).toMatchObject({ orphansAdopted: 1 });
  });
});

describe("batches without a name", () => {
  beforeEach(() => open({ namesBatches: false }));

  test("one taken for another is given back: its jobs go on, and whose it is gets it as an orphan", async () => {
    const b = await batchOf(2);
    // The forgotten first batch has as many requests as the other's, whose own create never arrived.
    const a = await doubled(2);
    const create = gateway.provider.create.bind(gateway.provider);
    gateway.provider.create = async () => {
      throw new LostAnswerError("never arrived");
    };
    await expect(gateway.submit(b)).rejects.toThrow("never arrived");
    gateway.provider.create = create;
    await gateway.submit(b);
    expect((await gateway.batches.get(b))!.providerBatchId).toBe(a.first);
    for (const id of gateway.provider.created) gateway.provider.end(id, answerAll);
    await gateway.finish(b);
    expect(await gateway.results("acme")).toEqual([]);
    expect(gateway.provider.deleted).toEqual([]);
    expect(await gateway.sweep()).toMatchObject({ orphansAdopted: 1 });
    await gateway.finish(a.batchId);
    await gateway.finish(only(await openBatches()));
    expect(await gateway.results("acme")).toHaveLength(2);
    await gateway.runBatch(only(await gateway.window()), answerAll);
    expect(await gateway.results("acme")).toHaveLength(2);
    expect(await answersPaid()).toBe(6);
    expect(gateway.deadLetters.take("low")).toEqual([]);
  });

  test("one of somebody else's on the same account is left alone", async () => {
    const batchId = await batchOf(1);
    await gateway.executions.startRunBatch(batchId, 1);
    await gateway.submit(batchId);
    await gateway.objects.put("elsewhere", '{"custom_id":"theirs"}\n');
    const theirs = await gateway.provider.create({ batchId, inputKey: "elsewhere" });
    gateway.provider.end(theirs.id, answerAll);
    expect(await gateway.sweep()).toEqual(NOTHING);
  });
});
