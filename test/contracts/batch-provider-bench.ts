import { expect, vi } from "vitest";
import { MemoryObjectStore } from "../../lambdas/adapters/memory-object-store.ts";
import type { ProviderBatch } from "../../lambdas/domain/batch-record.ts";
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

export const INPUT = "batches/b-1/input.jsonl";
export const BATCH = "b-aaaaaaaaaaaaaaaaaaaa" as BatchId;
export const CUSTOM_IDS = Array.from({ length: 20 }, (_, index) => `job-${index}-1`);

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

/** What the contracts of one provider's adapter are tried on. */
export function providerBench(subject: ProviderUnderTest) {
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

  return { operation, onBench, readAll };
}

/** The custom ids of the lines that can be read, sorted. */
export function idsOf(lines: readonly ReturnType<typeof readOutputLine>[]): string[] {
  return lines.flatMap((line) => (line.kind === "unparseable" ? [] : [line.customId])).toSorted();
}
