import { beforeEach, describe, expect, test } from "vitest";
import { toIso } from "../../lambdas/domain/instant.ts";
import { freezeWindow } from "../../lambdas/freeze-window/freeze-window.ts";
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
});
