import { beforeEach, describe, expect, test } from "vitest";
import { toIso } from "../../lambdas/domain/instant.ts";
import { ABANDONED_AFTER_MS, freezeWindow } from "../../lambdas/freeze-window/freeze-window.ts";
import { jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

/** One segment of one job, a second after the last. */
async function admitSegment(idempotencyKey: string): Promise<void> {
  gateway.now += 1_000;
  await gateway.admit([gateway.message(jobMessage({ idempotencyKey }))]);
}

async function keysPlaced(): Promise<string[]> {
  const placed: string[] = [];
  for (const batchId of await gateway.window()) {
    const manifest = await gateway.objects.get(`batches/${batchId}/manifest.jsonl`);
    const lines = Buffer.from(manifest!).toString("utf8").trimEnd().split("\n");
    placed.push(...lines.map((line) => JSON.parse(line).job.idempotencyKey));
  }
  return placed;
}

describe("freezing", () => {
  test("takes a long backlog a window at a time, oldest first, a large segment alone", async () => {
    for (const key of ["first", "second", "third"]) await admitSegment(key);
    const size = gateway.objects.size.bind(gateway.objects);
    // As if each index held a hundred thousand jobs.
    gateway.objects.size = async (key) => {
      const real = await size(key);
      return real !== undefined && key.startsWith("segments/index/") ? 40 * 1024 * 1024 : real;
    };
    expect(await keysPlaced()).toEqual(["first"]);
    expect(await keysPlaced()).toEqual(["second"]);
    gateway.objects.size = size;
    await admitSegment("fourth");
    expect((await keysPlaced()).toSorted()).toEqual(["fourth", "third"]);
  });

  test("refuses a window of the future: none of the present would come after it", async () => {
    await admitSegment("job");
    const tomorrow = toIso(gateway.now + 86_400_000);
    await expect(freezeWindow(tomorrow, gateway)).rejects.toThrow("in the future");
    expect(await keysPlaced()).toEqual(["job"]);
  });

  test("an earlier window that comes late has nothing to do", async () => {
    await admitSegment("job");
    const late = toIso(gateway.now);
    await keysPlaced();
    await admitSegment("other");
    expect(await freezeWindow(late, gateway)).toBeNull();
    expect(await keysPlaced()).toEqual(["other"]);
  });

  test("a segment that this release cannot read stays open and holds up nobody else's jobs", async () => {
    await admitSegment("odd");
    const [index] = await Array.fromAsync(gateway.objects.list("segments/index/"));
    const readable = await gateway.objects.get(index!.key);
    await gateway.objects.put(index!.key, '{"version":2}\n');
    await admitSegment("good");
    expect(await keysPlaced()).toEqual(["good"]);
    expect(await keysPlaced()).toEqual([]);
    await gateway.objects.put(index!.key, readable!);
    expect(await keysPlaced()).toEqual(["odd"]);
    expect(await keysPlaced()).toEqual([]);
  });

  test("nor does an unfinished one that it cannot read", async () => {
    await gateway.objects.put("segments/lines/20261121-odd.jsonl", '{"version":2}\n');
    await gateway.objects.put("segments/open/20261121-odd", "");
    gateway.now += ABANDONED_AFTER_MS;
    await admitSegment("good");
    expect(await keysPlaced()).toEqual(["good"]);
  });
});
