import { expect, test } from "vitest";
import { headroomLimitsSchema } from "../../../lambdas/domain/headroom.ts";
import type { SegmentId, TenantId } from "../../../lambdas/domain/ids.ts";
import type { IndexEntry } from "../../../lambdas/domain/job-record.ts";
import { encodeLine } from "../../../lambdas/domain/jsonl.ts";
import { openSegmentKey, segmentIndexKey, segmentKey } from "../../../lambdas/domain/object-keys.ts";
import { planWindow } from "../../../lambdas/plan-window/plan-window.ts";
import { entryOf, HOUR, LANE_PLAN, MINUTE } from "../domain/planner-entries.ts";
import { MemoryGateway } from "../support/memory-gateway.ts";

const WINDOW_MS = 5 * MINUTE;
const OTHERS = 99;
const EACH = 100;
const CROWD = 100_000;
const TOKENS = 1000;
/** Room for 20,000 jobs, which each window finds free again: its batches are done within five minutes. */
const limits = { enqueuedTokens: { default: 20_000 * TOKENS, perModel: {} }, batchesPerHour: 2000 };
const SETTINGS = {
  ...LANE_PLAN,
  headroom: headroomLimitsSchema.parse({ openai: limits, anthropic: limits }),
};

/** What one admission of a thousand messages leaves behind. */
async function putSegment(
  gateway: MemoryGateway,
  number: number,
  entries: readonly IndexEntry[],
): Promise<void> {
  const id = `20261121T1200000${String(number).padStart(5, "0")}Z-id000000` as SegmentId;
  const key = segmentKey(id);
  const lines = entries.map((entry, line) =>
    encodeLine({ ...entry, tier: "low", source: { key, line, offset: line * 900, length: 900 } }),
  );
  await gateway.objects.put(segmentIndexKey(id), lines.join(""));
  await gateway.objects.put(openSegmentKey(id), "");
}

test("99 tenants' jobs go into the first window after they arrive, while one sends 100,000 in an hour", async () => {
  const gateway = new MemoryGateway();
  const began = gateway.now;
  let jobs = 0;
  let segments = 0;
  const arrive = async (tenants: readonly string[], each: number): Promise<void> => {
    const entries = tenants.flatMap((tenant) =>
      Array.from({ length: each }, () =>
        entryOf((jobs += 1), { tenant, tokens: TOKENS, due: gateway.now + 24 * HOUR }),
      ),
    );
    for (let start = 0; start < entries.length; start += 1000)
      await putSegment(gateway, (segments += 1), entries.slice(start, start + 1000));
  };
  const arrivedIn = new Map<string, number>();
  const placedIn = new Map<string, number[]>();
  let placedOfCrowd = 0;
  let window = 0;
  for (; window < 30 && (window < 12 || placedOfCrowd < CROWD); window += 1) {
    // The crowd comes at the beginning of its hour, and before everybody else's in each window.
    if (window < 2) await arrive(["crowd"], CROWD / 2);
    const arriving = Array.from({ length: OTHERS }, (_, number) => `tenant-${number}`).filter(
      (_tenant, number) => number % 12 === window,
    );
    for (const tenant of arriving) arrivedIn.set(tenant, window);
    await arrive(arriving, EACH);
    gateway.now = began + (window + 1) * WINDOW_MS;
    const windowId = await gateway.freeze();
    if (windowId === null) throw new Error("nothing was frozen");
    const { batches } = await planWindow(windowId, gateway, SETTINGS);
    let tokens = 0;
    for (const batchId of batches) {
      const plan = (await gateway.batches.get(batchId))!.plan;
      tokens += plan.tokens;
      const lines = Buffer.from((await gateway.objects.get(plan.linesKey)) ?? "").toString();
      for (const line of lines.trim().split("\n")) {
        const { tenantId } = JSON.parse(line) as IndexEntry;
        if (tenantId === ("crowd" as TenantId)) placedOfCrowd += 1;
        else placedIn.set(tenantId, [...(placedIn.get(tenantId) ?? []), window]);
      }
      await gateway.batches.close(batchId, gateway.now, { answered: plan.requests, failed: 0, surplus: 0 });
    }
    expect(tokens).toBeLessThanOrEqual(20_000 * TOKENS);
    // Nothing of the room is left while the crowd waits for it.
    if (window < 5) expect(tokens).toBe(20_000 * TOKENS);
    await gateway.close(windowId);
  }
  expect(arrivedIn.size).toBe(OTHERS);
  for (const [tenant, arrived] of arrivedIn)
    expect({ tenant, placed: placedIn.get(tenant) }).toEqual({ tenant, placed: Array(EACH).fill(arrived) });
  expect(placedOfCrowd).toBe(CROWD);
}, 120_000);
