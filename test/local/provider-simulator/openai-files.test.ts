import { Buffer } from "node:buffer";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { toFile } from "openai";
import { expect, test } from "vitest";
import { startProviderSimulator } from "../../../local/provider-simulator/start-provider-simulator.ts";
import { chatLines, startBench, uploadLines } from "./simulator-fixture.ts";
import { VirtualClock } from "./virtual-clock.ts";

test("an uploaded file comes back byte by byte, with its expiry", async () => {
  const { openai } = await startBench();
  const content = '{"text":"separators \u2028 and \u0085 stay"}\n';
  const created = await openai.files.create({
    file: await toFile(Buffer.from(content), "in.jsonl"),
    purpose: "batch",
    expires_after: { anchor: "created_at", seconds: 7200 },
  });
  expect(created).toMatchObject({
    object: "file",
    purpose: "batch",
    filename: "in.jsonl",
    status: "processed",
  });
  expect(created.bytes).toBe(Buffer.byteLength(content));
  expect(created.expires_at).toBe(created.created_at + 7200);
  expect(await openai.files.retrieve(created.id)).toEqual(created);
  expect(await (await openai.files.content(created.id)).text()).toBe(content);
});

test("files are listed newest first, page by page, and only to their own account", async () => {
  const { openai } = await startBench();
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1) ids.unshift((await uploadLines(openai, chatLines(1))).id);
  const listed: string[] = [];
  for await (const file of openai.files.list({ limit: 2 })) listed.push(file.id);
  expect(listed).toEqual(ids);
  const other = openai.withOptions({ apiKey: "sk-other" });
  expect((await other.files.list()).data).toEqual([]);
  await expect(other.files.retrieve(ids[0] ?? "")).rejects.toMatchObject({ status: 404 });
});

test("deleted and expired files are gone", async () => {
  const clock = new VirtualClock();
  const { openai } = await startBench({ clock });
  const first = await uploadLines(openai, chatLines(1));
  expect(await openai.files.delete(first.id)).toEqual({ id: first.id, object: "file", deleted: true });
  await expect(openai.files.content(first.id)).rejects.toMatchObject({ status: 404 });
  const second = await uploadLines(openai, chatLines(1));
  clock.advance(30 * 24 * 3600 * 1000);
  await expect(openai.files.retrieve(second.id)).rejects.toMatchObject({ status: 404 });
});

test("uploads that the batch API does not take are refused", async () => {
  const { openai, simulator } = await startBench();
  const notJsonl = openai.files.create({ file: await toFile(Buffer.from("{}"), "in.txt"), purpose: "batch" });
  await expect(notJsonl).rejects.toMatchObject({ status: 400, type: "invalid_request_error" });
  const form = new FormData();
  form.append("file", new Blob(["{}"]), "in.jsonl");
  const headers = { authorization: "Bearer sk-test" };
  const response = await fetch(`${simulator.openaiBaseUrl}/files`, { method: "POST", body: form, headers });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { code: "missing_required_parameter", param: "purpose" },
  });
});

test(
  "a batch file larger than 200 MB is refused, whatever its size in memory",
  { timeout: 60_000 },
  async () => {
    const { simulator } = await startBench();
    const boundary = "simulator-test-boundary";
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="in.jsonl"\r\ncontent-type: application/octet-stream\r\n\r\n`;
    const piece = Buffer.alloc(1024 * 1024, 0x20);
    const upload = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from(head)),
      pull: (() => {
        let pieces = 0;
        return (controller: ReadableStreamDefaultController) => {
          pieces += 1;
          if (pieces <= 201) return controller.enqueue(piece);
          controller.enqueue(Buffer.from(`\r\n--${boundary}--\r\n`));
          return controller.close();
        };
      })(),
    });
    const before = process.memoryUsage();
    const response = await fetch(`${simulator.openaiBaseUrl}/files`, {
      method: "POST",
      body: upload,
      duplex: "half",
      headers: {
        authorization: "Bearer sk-test",
        "content-type": `multipart/form-data; boundary=${boundary}`,
      },
    });
    const after = process.memoryUsage();
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: "file" } });
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(100 * 1024 * 1024);
  },
);

async function simulatorFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith("offpeak-provider-simulator"));
}

test("the simulator removes its folder when it closes", async () => {
  const before = new Set(await simulatorFolders());
  const simulator = await startProviderSimulator();
  const own = (await simulatorFolders()).filter((name) => !before.has(name));
  expect(own.length).toBeGreaterThan(0);
  await simulator.close();
  // Another test file may have started a simulator meanwhile; ours is the one that must be gone.
  const left = new Set(await simulatorFolders());
  expect(own.some((name) => !left.has(name))).toBe(true);
});
