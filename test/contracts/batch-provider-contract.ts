import { describe, expect, it } from "vitest";
import {
  BatchNotFoundError,
  LostAnswerError,
  MissingRecordError,
  ProviderRefusalError,
  RetryableError,
  TerminalError,
} from "../../lambdas/domain/failures.ts";
import {
  BATCH,
  CUSTOM_IDS,
  idsOf,
  INPUT,
  providerBench,
  type ProviderUnderTest,
} from "./batch-provider-bench.ts";
import { gather } from "./gather.ts";

/** What every adapter of a batch service must do, tried on the simulator of its provider. */
export function describeBatchProvider(subject: ProviderUnderTest): void {
  const { operation, onBench, readAll } = providerBench(subject);

  describe(`batch provider: ${subject.name}`, () => {
    it("runs a batch: every request is answered once, and the batch says when it ended", () =>
      onBench(async ({ provider, create, untilEnded, simulator }) => {
        const created = await create();
        expect(created).toMatchObject({ errors: [] });
        const ended = await untilEnded(created.id);
        expect(ended).toMatchObject({ id: created.id, createdAt: created.createdAt, errors: [] });
        expect(ended.counts).toEqual({ total: 20, completed: 20, failed: 0 });
        expect(ended.endedAt).toBeGreaterThanOrEqual(created.createdAt);
        const lines = await readAll(provider, ended);
        expect(lines.every((line) => line.kind === "answered")).toBe(true);
        expect(idsOf(lines)).toEqual(CUSTOM_IDS.toSorted());
        expect(simulator.batches()).toHaveLength(1);
      }));

    it("shows a running batch as running", () =>
      onBench(async ({ provider, create }) => {
        const created = await create();
        const { createdAt } = created;
        const stage = subject.name === "openai" ? "validating" : "in-progress";
        const shown = { phase: "running", endedAt: null, stage, stageSince: createdAt };
        expect(created).toMatchObject(shown);
        expect(await provider.get(created.id)).toMatchObject(shown);
      }, 600));

    it("lists batches since a moment, newest first, with our id where the provider keeps it", () =>
      onBench(async ({ provider, create }) => {
        const [first, second] = [await create(), await create()];
        const listed = await gather(provider.listSince(first.createdAt));
        expect(new Set(listed.map(({ batch }) => batch.id))).toEqual(new Set([first.id, second.id]));
        const expectedId = provider.namesBatches ? BATCH : null;
        expect(listed.map(({ batchId }) => batchId)).toEqual([expectedId, expectedId]);
        expect(await gather(provider.listSince(second.createdAt + 60_000))).toEqual([]);
      }, 600));

    it("lists over more than one page", () =>
      onBench(async ({ provider, simulator, create }) => {
        const inputFileId = await provider.upload({ key: INPUT, name: "b-1.jsonl" });
        const input = { batchId: BATCH, endpoint: subject.endpoint, inputKey: INPUT, inputFileId };
        const first = await create();
        for (let count = 1; count < 103; count += 1) await provider.create(input);
        expect(simulator.batches()).toHaveLength(103);
        expect(await gather(provider.listSince(first.createdAt))).toHaveLength(103);
      }, 600));

    it("never repeats a create: a lost answer is one batch, to be found in the list", () =>
      onBench(async ({ provider, create, simulator }) => {
        simulator.faults.add({ kind: "lost-answer", operation: operation("create") });
        await expect(create()).rejects.toBeInstanceOf(LostAnswerError);
        expect(simulator.batches()).toHaveLength(1);
        const [found, ...others] = await gather(provider.listSince(Date.now() - 60_000));
        expect(others).toEqual([]);
        expect(found).toMatchObject({ batchId: provider.namesBatches ? BATCH : null });
        expect(simulator.batches()[0]?.id).toBe(found?.batch.id);
      }, 600));

    it.each([
      [500, LostAnswerError],
      [503, LostAnswerError],
      [408, LostAnswerError],
      [409, RetryableError],
      [429, RetryableError],
      // OpenAI's create names a file, which may not be found yet; Anthropic's names nothing.
      [404, subject.name === "openai" ? RetryableError : ProviderRefusalError],
      [400, ProviderRefusalError],
      [401, RetryableError],
      [403, RetryableError],
    ])("throws for a create that answers %i what that leaves to do, after one try", (status, kind) =>
      onBench(async ({ create, simulator }) => {
        simulator.faults.add({ kind: "http-error", operation: operation("create"), status });
        const failure: unknown = await create().catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(kind);
        if (kind === RetryableError) expect(failure).not.toBeInstanceOf(LostAnswerError);
        expect(simulator.faults.list()).toEqual([]);
        expect(simulator.batches()).toEqual([]);
      }),
    );

    it("keeps the provider's own code and message in a refusal", () =>
      onBench(async ({ create, simulator }) => {
        simulator.faults.add({ kind: "http-error", operation: operation("create"), status: 400 });
        const failure: unknown = await create().catch((error: unknown) => error);
        expect(failure).toMatchObject({ name: "ProviderRefusalError", code: expect.stringMatching(/./) });
        expect(failure).toHaveProperty("message", expect.not.stringContaining("{"));
      }));

    it("throws a refusal, not something that passes, when the account has no credit for a create", () =>
      onBench(async ({ provider, create, simulator }) => {
        const words =
          subject.name === "openai"
            ? { status: 429, code: "insufficient_quota", message: "You exceeded your current quota." }
            : { status: 400, message: "Your credit balance is too low to access the Anthropic API." };
        simulator.faults.add({ kind: "http-error", operation: operation("create"), ...words });
        await expect(create()).rejects.toMatchObject({
          name: "ProviderRefusalError",
          message: words.message,
          ...("code" in words && { code: words.code }),
        });
        const { id } = await create();
        // Reading costs nothing: it will be possible again.
        const times = { times: 4, retryAfterSeconds: 0.01 };
        simulator.faults.add({ kind: "http-error", operation: operation("retrieve"), ...words, ...times });
        await expect(provider.get(id)).rejects.toBeInstanceOf(RetryableError);
      }));

    it("repeats reads a few times", () =>
      onBench(async ({ provider, create, simulator }) => {
        const { id } = await create();
        const passing = { kind: "http-error", status: 503, retryAfterSeconds: 0.01, times: 3 } as const;
        simulator.faults.add({ ...passing, operation: operation("retrieve") });
        expect(await provider.get(id)).toMatchObject({ id });
        simulator.faults.add({ ...passing, operation: operation("retrieve"), times: 4 });
        await expect(provider.get(id)).rejects.toBeInstanceOf(RetryableError);
      }));

    it("throws BatchNotFoundError for a batch that is not found yet", () =>
      onBench(async ({ provider, create, simulator }) => {
        simulator.faults.add({ kind: "not-found-after-create", reads: 1 });
        const { id } = await create();
        await expect(provider.get(id)).rejects.toBeInstanceOf(BatchNotFoundError);
        expect(await provider.get(id)).toMatchObject({ id });
      }));

    it("reports an input that the provider finds wrong", () =>
      onBench(async ({ objects, create, untilEnded, simulator, line }) => {
        await objects.put(INPUT, line("job-1-1") + line("job-1-1"));
        if (subject.onRepeatedId === "create-refused") {
          await expect(create()).rejects.toMatchObject({
            name: "ProviderRefusalError",
            code: "invalid_request_error",
          });
          expect(simulator.batches()).toEqual([]);
          return;
        }
        const ended = await untilEnded((await create()).id);
        expect(ended).toMatchObject({ status: "failed", outputFileId: null, errorFileId: null });
        expect(ended.errors).toMatchObject([{ line: 2, code: expect.stringMatching(/./) }]);
        expect(ended.endedAt).not.toBeNull();
      }));

    it("throws MissingRecordError when the input is not there, and creates nothing", () =>
      onBench(async ({ objects, create, simulator }) => {
        await objects.delete([INPUT]);
        await expect(create()).rejects.toBeInstanceOf(MissingRecordError);
        expect(simulator.batches()).toEqual([]);
      }));

    it("throws what the store throws when the input breaks off, and creates nothing", () =>
      onBench(async ({ objects, create, simulator }) => {
        const whole = objects.stream.bind(objects);
        objects.stream = async function* (key) {
          let chunks = 0;
          for await (const chunk of whole(key)) {
            if (++chunks === 5) throw new RetryableError("the store went away");
            yield chunk;
          }
        };
        await expect(create()).rejects.toThrow("the store went away");
        expect(simulator.batches()).toEqual([]);
      }));

    it("refuses a batch for an endpoint that the provider does not have", () =>
      onBench(async ({ provider, simulator }) => {
        const endpoint = subject.name === "openai" ? "/v1/messages" : "/v1/embeddings";
        const input = { batchId: BATCH, endpoint, inputKey: INPUT, inputFileId: "file-1" } as const;
        await expect(provider.create(input)).rejects.toBeInstanceOf(TerminalError);
        expect(simulator.batches()).toEqual([]);
      }));
  });
}
