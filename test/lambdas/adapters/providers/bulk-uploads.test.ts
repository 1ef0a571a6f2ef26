import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, test } from "vitest";
import { MemoryObjectStore } from "../../../../lambdas/adapters/memory-object-store.ts";
import { anthropicBatchProvider } from "../../../../lambdas/adapters/providers/anthropic-batch-provider.ts";
import { openAiBatchProvider } from "../../../../lambdas/adapters/providers/openai-batch-provider.ts";
import { anthropicClient, openAiClient } from "../../../../lambdas/adapters/providers/provider-clients.ts";
import type { BatchId } from "../../../../lambdas/domain/ids.ts";

const MIB = 1024 * 1024;
const CHUNKS = 64;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** An object of 64 MiB that exists only as it is read, and notes the most memory its reader held meanwhile. */
class HugeObjectStore extends MemoryObjectStore {
  mostHeld = 0;

  override async size(): Promise<number> {
    return CHUNKS * MIB;
  }

  override async *stream(): AsyncGenerator<Uint8Array> {
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
      collectGarbage();
      this.mostHeld = Math.max(this.mostHeld, process.memoryUsage().arrayBuffers - before);
      yield Buffer.alloc(MIB, `${" ".repeat(1023)}\n`);
    }
  }
}

/** A server that counts and forgets what it is sent. */
async function startSink(answer: object) {
  const sink = { origin: "", bytes: 0 };
  const server = createServer((request, response) => {
    request.on("data", (chunk: Buffer) => {
      sink.bytes += chunk.byteLength;
    });
    request.on("end", () =>
      response.setHeader("content-type", "application/json").end(JSON.stringify(answer)),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  sink.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return sink;
}

test("OpenAI: an input is uploaded without ever being held whole", async () => {
  const sink = await startSink({ id: "file-1" });
  const objects = new HugeObjectStore();
  const client = openAiClient({ apiKey: "sk-test", baseUrl: sink.origin });
  const provider = openAiBatchProvider({ client, objects, stackName: "offpeak" });
  expect(await provider.upload({ key: "input", name: "b-1.jsonl" })).toBe("file-1");
  expect(sink.bytes).toBeGreaterThan(CHUNKS * MIB);
  expect(objects.mostHeld).toBeLessThan(16 * MIB);
});

test("Anthropic: a batch is created without its input ever being held whole", async () => {
  const created_at = "2026-11-21T12:00:00Z";
  const sink = await startSink({ id: "m", processing_status: "in_progress", created_at, request_counts: {} });
  const objects = new HugeObjectStore();
  const provider = anthropicBatchProvider({
    client: anthropicClient({ apiKey: "k", baseUrl: sink.origin }),
    objects,
  });
  const input = {
    batchId: "b-1" as BatchId,
    endpoint: "/v1/messages",
    inputKey: "input",
    inputFileId: null,
  } as const;
  await provider.create(input);
  expect(sink.bytes).toBe(CHUNKS * MIB + '{"requests":[]}'.length - 1);
  expect(objects.mostHeld).toBeLessThan(16 * MIB);
});
