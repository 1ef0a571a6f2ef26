import { describe, expect, it, vi } from "vitest";
import { MemoryObjectStore } from "../../lambdas/adapters/memory-object-store.ts";
import { anthropicBatchProvider } from "../../lambdas/adapters/providers/anthropic-batch-provider.ts";
import { MemoryBatchProvider } from "../../lambdas/adapters/providers/memory-batch-provider.ts";
import { openAiBatchProvider } from "../../lambdas/adapters/providers/openai-batch-provider.ts";
import { anthropicClient, openAiClient } from "../../lambdas/adapters/providers/provider-clients.ts";
import { ResultsGoneError } from "../../lambdas/domain/failures.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import { jsonLines, lineText } from "../../lambdas/domain/jsonl.ts";
import { readOutputLine } from "../../lambdas/domain/output-line.ts";
import { encodeRequestLine } from "../../lambdas/domain/request-line.ts";
import type { BatchProvider, ObjectStore } from "../../lambdas/ports.ts";
import { startProviderSimulator } from "../../local/provider-simulator/start-provider-simulator.ts";
import { answerAll } from "../lambdas/support/memory-gateway.ts";
import { gather } from "./gather.ts";

// What every batch service must do, the one in memory included. The providers' own ways are in batch-provider-contract.

const BATCH = "b-aaaaaaaaaaaaaaaaaaaa" as BatchId;
const INPUT = "batches/b-1/input.jsonl";
const CUSTOM_IDS = [
  "abcdefghijklmnopqrstuvwxyz-1",
  "bcdefghijklmnopqrstuvwxyza-1",
  "cdefghijklmnopqrstuvwxyzab-2",
];

type Service = {
  readonly provider: BatchProvider;
  /** Sees to it that the batch ends, all of it answered. */
  readonly end: (id: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

async function simulated(
  connect: (origin: Awaited<ReturnType<typeof startProviderSimulator>>) => BatchProvider,
) {
  const simulator = await startProviderSimulator({ batchSeconds: 0.05 });
  const provider = connect(simulator);
  const end = (id: string) =>
    vi.waitFor(async () => expect((await provider.get(id)).phase).toBe("ended"), {
      timeout: 20_000,
      interval: 10,
    });
  return { provider, end, close: () => simulator.close() };
}

const SERVICES: [string, (objects: ObjectStore) => Promise<Service>][] = [
  [
    "memory",
    async (objects) => {
      const provider = new MemoryBatchProvider({ objects });
      return { provider, end: async (id) => provider.end(id, answerAll), close: async () => {} };
    },
  ],
  [
    "memory, without names",
    async (objects) => {
      const provider = new MemoryBatchProvider({ objects, namesBatches: false });
      return { provider, end: async (id) => provider.end(id, answerAll), close: async () => {} };
    },
  ],
  [
    "OpenAI",
    (objects) =>
      simulated(({ openaiBaseUrl }) =>
        openAiBatchProvider({
          client: openAiClient({ apiKey: "k", baseUrl: openaiBaseUrl }),
          objects,
          stackName: "T",
        }),
      ),
  ],
  [
    "Anthropic",
    (objects) =>
      simulated(({ anthropicBaseUrl }) =>
        anthropicBatchProvider({
          client: anthropicClient({ apiKey: "k", baseUrl: anthropicBaseUrl }),
          objects,
        }),
      ),
  ],
];

describe.each(SERVICES)("batch service: %s", (_name, start) => {
  it("runs a batch from its input to its output, and lists it while it is looked for", async () => {
    const objects = new MemoryObjectStore();
    const { provider, end, close } = await start(objects);
    try {
      const endpoint = provider.provider === "openai" ? "/v1/chat/completions" : "/v1/messages";
      const body =
        provider.provider === "openai"
          ? { model: "gpt-4.1-nano", messages: [{ role: "user", content: "hi" }] }
          : { model: "claude-haiku-4-5", max_tokens: 20, messages: [{ role: "user", content: "hi" }] };
      const lines = CUSTOM_IDS.map((id) => encodeRequestLine(provider.provider, id, endpoint, body));
      await objects.put(INPUT, lines.join(""));
      const before = Date.now() - 60_000;
      const inputFileId = await provider.upload({ key: INPUT, name: "b-1.jsonl" });
      const created = await provider.create({ batchId: BATCH, endpoint, inputKey: INPUT, inputFileId });
      expect(created).toMatchObject({ phase: "running", inputFileId });
      expect(created.stageSince).toBe(created.createdAt);
      const listed = await gather(provider.listSince(before));
      expect(listed.map(({ batch, batchId }) => [batch.id, batchId])).toEqual([
        [created.id, provider.namesBatches ? BATCH : null],
      ]);
      await end(created.id);
      const ended = await provider.get(created.id);
      expect(ended).toMatchObject({
        id: created.id,
        phase: "ended",
        stage: "ended",
        stageSince: ended.endedAt,
        counts: { total: 3 },
        errors: [],
      });
      const output = await gather(jsonLines(provider.output(ended, "output")));
      const answered = output.map((line) => {
        const read = readOutputLine(provider.provider, lineText(line));
        if (read.kind !== "answered") throw new Error(`line is ${read.kind}`);
        return read.customId;
      });
      expect(answered.toSorted()).toEqual(CUSTOM_IDS.toSorted());
      expect(await gather(provider.output(ended, "errors"))).toEqual([]);
      // What has ended cannot be cancelled, and asking does no harm.
      await provider.cancel(created.id);
      expect((await provider.get(created.id)).phase).toBe("ended");
      await provider.deleteFiles(ended);
      await provider.deleteFiles(ended);
      await expect(gather(provider.output(ended, "output"))).rejects.toBeInstanceOf(ResultsGoneError);
    } finally {
      await close();
    }
  });
});
