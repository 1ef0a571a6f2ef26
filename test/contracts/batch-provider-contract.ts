import { describe, expect, it, vi } from "vitest";
import { MemoryObjectStore } from "../../lambdas/adapters/memory-object-store.ts";
import type { ProviderBatch } from "../../lambdas/domain/batch-record.ts";
import {
  LostAnswerError,
  MissingRecordError,
  ProviderRefusalError,
  RetryableError,
  TerminalError,
} from "../../lambdas/domain/failures.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import { jsonLines, lineText } from "../../lambdas/domain/jsonl.ts";
import { readOutputLine } from "../../lambdas/domain/output-line.ts";
import { encodeRequestLine } from "../../lambdas/domain/request-line.ts";
import { checkRequest } from "../../lambdas/domain/request-rules.ts";
import type { BatchProvider, ObjectStore } from "../../lambdas/ports.ts";
import type { Operation } from "../../local/provider-simulator/faults.ts";
import {
  type ProviderSimulator,
  startProviderSimulator,
} from "../../local/provider-simulator/start-provider-simulator.ts";
import { gather } from "./gather.ts";

const INPUT = "batches/b-1/input.jsonl";
const BATCH = "b-aaaaaaaaaaaaaaaaaaaa" as BatchId;
const CUSTOM_IDS = Array.from({ length: 20 }, (_, index) => `job-${index}-1`);

export type ProviderUnderTest = {
  readonly name: "openai" | "anthropic";
  readonly connect: (simulator: ProviderSimulator, objects: ObjectStore) => BatchProvider;
  readonly endpoint: "/v1/chat/completions" | "/v1/messages";
  readonly model: string;
  /** What the provider makes of an input in which a custom id is repeated. */
  readonly onRepeatedId: "batch-fails" | "create-refused";
};

type Bench = {
  readonly provider: BatchProvider;
  readonly objects: ObjectStore;
  readonly simulator: ProviderSimulator;
  readonly create: () => Promise<ProviderBatch>;
  readonly untilEnded: (id: string) => Promise<ProviderBatch>;
  readonly line: (customId: string, text?: string) => string;
};

/** What every adapter of a batch service must do, tried on the simulator of its provider. */
export function describeBatchProvider(subject: ProviderUnderTest): void {
  const operation = (name: string) => `${subject.name}.batches.${name}` as Operation;

  /** Runs `act` on a fresh simulator whose batches take `batchSeconds`. */
  async function onBench(act: (bench: Bench) => Promise<void>, batchSeconds = 0): Promise<void> {
    const simulator = await startProviderSimulator({ batchSeconds });
    try {
      // Chunks that end inside lines and characters.
      const objects = new MemoryObjectStore({ chunkBytes: 61 });
      const provider = subject.connect(simulator, objects);
      const line = (customId: string, text = "Summarise: the line was “cut” at 5 o'clock.") => {
        const messages = [{ role: "user", content: text }];
        const body = { model: subject.model, messages, max_tokens: 64 };
        const checked = checkRequest({ provider: subject.name, endpoint: subject.endpoint, body });
        if (checked.kind === "refused") throw new Error(checked.message);
        return encodeRequestLine(subject.name, customId, subject.endpoint, checked.body);
      };
      await objects.put(INPUT, CUSTOM_IDS.map((customId) => line(customId)).join(""));
      const create = async () => {
        const inputFileId = await provider.upload({ key: INPUT, name: "b-1.jsonl" });
        return provider.create({ batchId: BATCH, endpoint: subject.endpoint, inputKey: INPUT, inputFileId });
      };
      const untilEnded = (id: string) =>
        vi.waitFor(
          async () => {
            const batch = await provider.get(id);
            expect(batch.phase).toBe("ended");
            return batch;
          },
          { timeout: 20_000, interval: 10 },
        );
      await act({ provider, objects, simulator, create, untilEnded, line });
    } finally {
      await simulator.close();
    }
  }

  async function readAll(provider: BatchProvider, batch: ProviderBatch) {
    const files = await Promise.all(
      (["output", "errors"] as const).map((file) => gather(jsonLines(provider.output(batch, file)))),
    );
    return files.flat().map((line) => readOutputLine(subject.name, lineText(line)));
  }

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
        expect(created).toMatchObject({ phase: "running", endedAt: null });
        expect(await provider.get(created.id)).toMatchObject({ phase: "running", endedAt: null });
      }, 600));

    it("gives failed lines too, with the request's or the provider's fault told apart", () =>
      onBench(async ({ provider, create, untilEnded, simulator }) => {
        simulator.faults.add({ kind: "line-error", status: 400, customIds: ["job-3-1"] });
        const lines = await readAll(provider, await untilEnded((await create()).id));
        expect(idsOf(lines)).toEqual(CUSTOM_IDS.toSorted());
        const failed = lines.filter((line) => line.kind === "failed");
        expect(failed).toMatchObject([{ customId: "job-3-1", failure: { origin: "request" } }]);
      }));

    it("gives what was answered of an expired batch, and the rest as expired", () =>
      onBench(async ({ provider, create, untilEnded, simulator }) => {
        simulator.faults.add({ kind: "expire-batch", afterLines: 7 });
        const lines = await readAll(provider, await untilEnded((await create()).id));
        expect(idsOf(lines)).toEqual(CUSTOM_IDS.toSorted());
        const expired = lines.filter((line) => line.kind === "failed" && line.failure.origin === "expired");
        expect(expired).toHaveLength(13);
      }));

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

    it("repeats reads a few times", () =>
      onBench(async ({ provider, create, simulator }) => {
        const { id } = await create();
        const passing = { kind: "http-error", status: 503, retryAfterSeconds: 0.01, times: 3 } as const;
        simulator.faults.add({ ...passing, operation: operation("retrieve") });
        expect(await provider.get(id)).toMatchObject({ id });
        simulator.faults.add({ ...passing, operation: operation("retrieve"), times: 4 });
        await expect(provider.get(id)).rejects.toBeInstanceOf(RetryableError);
      }));

    it("throws RetryableError for a batch that is not found yet", () =>
      onBench(async ({ provider, create, simulator }) => {
        simulator.faults.add({ kind: "not-found-after-create", reads: 1 });
        const { id } = await create();
        await expect(provider.get(id)).rejects.toBeInstanceOf(RetryableError);
        expect(await provider.get(id)).toMatchObject({ id });
      }));

    it("throws RetryableError when a download is cut off, and gives the whole the next time", () =>
      onBench(async ({ provider, create, untilEnded, simulator }) => {
        const ended = await untilEnded((await create()).id);
        simulator.faults.add({ kind: "cut-download", afterBytes: 500 });
        await expect(readAll(provider, ended)).rejects.toBeInstanceOf(RetryableError);
        expect(idsOf(await readAll(provider, ended))).toEqual(CUSTOM_IDS.toSorted());
      }));

    it("stops a download when its reader does", () =>
      onBench(async ({ provider, create, untilEnded }) => {
        const ended = await untilEnded((await create()).id);
        for await (const chunk of provider.output(ended, "output")) {
          expect(chunk.byteLength).toBeGreaterThan(0);
          break;
        }
      }));

    it("cancels, and takes no harm from cancelling again", () =>
      onBench(async ({ provider, create, untilEnded }) => {
        const { id } = await create();
        await provider.cancel(id);
        await provider.cancel(id);
        const ended = await untilEnded(id);
        await provider.cancel(id);
        const lines = await readAll(provider, ended);
        expect(lines.every((line) => line.kind === "failed" && line.failure.origin === "cancelled")).toBe(
          true,
        );
      }, 5));

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

function idsOf(lines: readonly ReturnType<typeof readOutputLine>[]): string[] {
  return lines.flatMap((line) => (line.kind === "unparseable" ? [] : [line.customId])).toSorted();
}
