import { beforeEach, describe, expect, test } from "vitest";
import { LostAnswerError } from "../../lambdas/domain/failures.ts";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import { RUN_LEASE_MS } from "../../lambdas/run-job/run-job.ts";
import { breakNext } from "./support/break-next.ts";
import { answerAll, answerLine, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  for (const tenantId of ["acme", "globex"]) await gateway.addTenant({ tenantId });
});

const answered = {
  statusCode: 200,
  retryAfterMs: null,
  body: JSON.parse(answerLine('{"custom_id":"x"}')).response.body as unknown,
};
const failed = { statusCode: 500, retryAfterMs: null, body: { error: { code: "oops", message: "no" } } };
const urgent = (fields: Record<string, unknown> = {}) =>
  gateway.message(jobMessage({ tier: "critical", ...fields }), "critical");

describe("a direct call whose workers die", () => {
  test("a paid answer that was stored is found by the third worker when the second died, too", async () => {
    gateway.answer = () => answered;
    const message = urgent();
    breakNext(gateway.jobs, "end", "before");
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    gateway.now += RUN_LEASE_MS;
    breakNext(gateway.objects, "get", "before");
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    gateway.now += RUN_LEASE_MS;
    expect(await gateway.runMessage(message)).toBe("ended");
    expect(gateway.calls).toBe(1);
    expect(await gateway.entries("acme")).toMatchObject([{ kind: "direct", jobs: 1, answers: 1 }]);
  });

  test("a lost call is named though the worker that was told of it died", async () => {
    gateway.answer = () => new Error("the worker died");
    const message = urgent();
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    gateway.answer = () => answered;
    gateway.now += RUN_LEASE_MS;
    breakNext(gateway.ledger, "record", "before");
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    gateway.now += RUN_LEASE_MS;
    expect(await gateway.runMessage(message)).toBe("ended");
    const entries = await gateway.entries("acme");
    expect(entries.map(({ kind, entryId }) => [kind, entryId.at(-1)])).toEqual([
      ["direct", "2"],
      ["unconfirmed", "1"],
    ]);
  });

  test("an answer that is settled by a second worker, which dies before the ledger, is charged", async () => {
    gateway.answer = () => answered;
    const message = urgent();
    breakNext(gateway.jobs, "end", "before");
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    gateway.now += RUN_LEASE_MS;
    breakNext(gateway.ledger, "record", "before");
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    expect(await gateway.runMessage(message)).toBe("duplicate");
    expect(await gateway.entries("acme")).toMatchObject([{ kind: "direct", costPicoUsd: "90000000" }]);
  });

  test("a dead letter that was not sent is sent when the message comes again", async () => {
    gateway.answer = () => failed;
    const message = urgent();
    breakNext(gateway.deadLetters, "send", "before");
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    await gateway.runMessage(message);
    expect(gateway.deadLetters.take("critical")).toMatchObject([{ kind: "job", attempts: 3 }]);
  });

  test("a message that asks to open a job again opens it once, though its dead letter ended it", async () => {
    gateway.answer = () => failed;
    const message = urgent({ retry: true });
    await gateway.runMessage(message);
    const [letter] = gateway.deadLetters.take("critical");
    if (letter?.kind !== "job") throw new Error("no job");
    const { tenantId, jobId, source } = letter;
    await gateway.runRequested({
      version: 1,
      kind: "run",
      tenantId,
      jobId,
      source,
      reason: "dead-letter",
      attempt: null,
    });
    expect(gateway.calls).toBe(6);
    expect(await gateway.runMessage(message)).toBe("duplicate");
    expect(gateway.calls).toBe(6);
  });

  test("an answer kept from a job of the same key that is forgotten by now is not taken for its own", async () => {
    gateway.answer = () => answered;
    await gateway.runMessage(urgent());
    const [old] = await gateway.results("acme");
    const forgetful = new MemoryGateway();
    await forgetful.addTenant({ tenantId: "acme" });
    const bytes = await gateway.objects.get(old!.result!.key);
    await forgetful.objects.put(old!.result!.key, bytes!);
    gateway = forgetful;
    gateway.now += 31 * 86_400_000;
    const message = urgent();
    gateway.answer = () => new Error("the worker died");
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    gateway.now += RUN_LEASE_MS;
    gateway.answer = () => answered;
    await gateway.runMessage(message);
    expect(gateway.calls).toBe(2);
    expect((await gateway.results("acme"))[0]!.producedAt > old!.producedAt).toBe(true);
  });

  test("lost answers are each named once, and then the job waits as a dead letter", async () => {
    gateway.answer = () => new LostAnswerError("nobody knows");
    expect(await gateway.runMessage(urgent())).toBe("dead-lettered");
    const entries = await gateway.entries("acme");
    expect(entries.map(({ kind, entryId }) => [kind, entryId.at(-1)])).toEqual([
      ["unconfirmed", "1"],
      ["unconfirmed", "2"],
      ["unconfirmed", "3"],
    ]);
  });
});

describe("a duplicate", () => {
  test("with other tags gets the first result, and the ledger keeps the tags that it ran under", async () => {
    gateway.answer = () => answered;
    await gateway.runMessage(urgent({ vertical: "salon" }));
    expect(await gateway.runMessage(urgent({ vertical: "clinic", agentId: "other" }))).toBe("duplicate");
    expect((await gateway.results("acme")).map(({ vertical }) => vertical)).toEqual(["salon", "salon"]);
    expect(await gateway.entries("acme")).toMatchObject([{ vertical: "salon", agentId: "front-desk" }]);
  });

  test("is not refused because another message of its call came with another request", async () => {
    await gateway.admit([gateway.message(jobMessage())]);
    const other = { provider: "openai", endpoint: "/v1/chat/completions" };
    const body = { model: "gpt-5-nano", messages: [{ role: "user", content: "something else" }] };
    const report = await gateway.admit([
      gateway.message(jobMessage({ request: { ...other, body } })),
      gateway.message(jobMessage()),
    ]);
    expect(report).toMatchObject({ refused: 1, duplicates: 1 });
  });

  test("that asks to open a failed job again is heard beside one that does not", async () => {
    gateway.answer = () => ({ ...failed, statusCode: 400 });
    await gateway.runMessage(urgent());
    const fields = { tier: "critical" };
    await gateway.admit([
      gateway.message(jobMessage(fields)),
      gateway.message(jobMessage({ ...fields, retry: true })),
    ]);
    expect(gateway.runs.take()).toHaveLength(1);
  });
});

describe("a message made to do harm", () => {
  test("takes no other tenant's jobs down with an output limit beyond exact integers", async () => {
    const body = {
      model: "gpt-5-nano",
      messages: [{ role: "user", content: "x" }],
      n: 128,
      max_completion_tokens: Number.MAX_SAFE_INTEGER,
    };
    await gateway.admit([
      gateway.message(jobMessage({ request: { ...jobMessage()["request"]!, body } })),
      gateway.message(jobMessage({ tenantId: "globex" })),
    ]);
    for (const batchId of await gateway.window()) await gateway.runBatch(batchId, answerAll);
    expect(await gateway.results("globex")).toMatchObject([{ status: "succeeded" }]);
  });

  test("runs nothing that was not admitted, nor for another tenant, whatever a run request says", async () => {
    gateway.answer = () => answered;
    await gateway.admit([gateway.message(jobMessage({ taskType: "live_chat_response" }))]);
    const [request] = gateway.runs.take();
    if (request?.kind !== "run") throw new Error("nothing to run");
    const { tenantId, source } = request;
    const upload = { ...source, key: `uploads/tenant=${tenantId}/x` };
    await gateway.objects.put(upload.key, (await gateway.objects.get(source.key))!);
    const globex = (await gateway.tenants.get("globex" as TenantId))!.policy.tenantId;
    for (const forged of [{ source: upload }, { tenantId: globex }])
      await expect(gateway.runRequested({ ...request, ...forged })).rejects.toMatchObject({
        name: "MissingRecordError",
      });
    expect(gateway.calls).toBe(0);
    expect(await gateway.runRequested(request)).toBe("ended");
  });

  test("is refused when its key or tags hold half of a surrogate pair, which cannot be told from another", async () => {
    const halves = ["\ud800", "\udfff"];
    for (const half of halves) {
      for (const field of ["idempotencyKey", "vertical", "agentId", "taskType"])
        expect(await gateway.admit([gateway.message(jobMessage({ [field]: `a${half}` }))])).toMatchObject({
          refused: 1,
        });
    }
    expect(await gateway.admit([gateway.message(jobMessage({ vertical: "😀" }))])).toMatchObject({
      admitted: 1,
    });
  });
});

async function twoBatches() {
  gateway = new MemoryGateway({ namesBatches: false });
  for (const tenantId of ["acme", "globex"]) await gateway.addTenant({ tenantId, isolation: "dedicated" });
  await gateway.admit(["acme", "globex"].map((tenantId) => gateway.message(jobMessage({ tenantId }))));
  const [first, second] = await gateway.window();
  return { first: first!, second: second! };
}

describe("two batches of one size on an account that names none", () => {
  test("the one whose create failed does not adopt the other's, whose answer was lost", async () => {
    const { first, second } = await twoBatches();
    const whole = gateway.provider.create.bind(gateway.provider);
    gateway.provider.create = async () => {
      throw new Error("nothing was created");
    };
    await expect(gateway.submit(first)).rejects.toThrow("nothing was created");
    gateway.now += 2 * 60 * 60_000;
    gateway.provider.create = async (input) => {
      await whole(input);
      throw new Error("the answer was lost");
    };
    await expect(gateway.submit(second)).rejects.toThrow("the answer was lost");
    gateway.provider.create = whole;
    await expect(gateway.submit(first)).rejects.toMatchObject({ name: "LeaseHeldError" });
    expect(await gateway.submit(second)).toEqual({ kind: "submitted" });
    expect(await gateway.submit(first)).toEqual({ kind: "submitted" });
    expect(gateway.provider.created).toHaveLength(2);
  });

  test("a doubtful create keeps the account until its owner is back from a dead worker's lease", async () => {
    const { first, second } = await twoBatches();
    const whole = gateway.provider.create.bind(gateway.provider);
    gateway.provider.create = async (input) => {
      await whole(input);
      throw new Error("the answer was lost");
    };
    breakNext(gateway.batches, "unlease", "before");
    await expect(gateway.submit(first)).rejects.toThrow("died");
    gateway.now += 18 * 60_000;
    await expect(gateway.submit(second)).rejects.toMatchObject({ name: "LeaseHeldError" });
    gateway.provider.create = whole;
    expect(await gateway.submit(first)).toEqual({ kind: "submitted" });
    expect(gateway.provider.created).toHaveLength(1);
  });
});
