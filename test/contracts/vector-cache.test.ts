import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DynamoVectorCache } from "../../lambdas/adapters/dynamo-vector-cache.ts";
import { MemoryVectorCache } from "../../lambdas/adapters/memory-vector-cache.ts";
import { tenantIdSchema } from "../../lambdas/domain/ids.ts";
import type { VectorCache } from "../../lambdas/vector-cache.ts";
import { startTables, type Tables } from "./emulators.ts";

let tables: Tables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

const ACME = tenantIdSchema.parse("acme");
const OTHER = tenantIdSchema.parse("other");
const text = (hash: string, value = 1) => ({
  hash,
  vector: new Uint8Array(Float32Array.of(value, 0.5).buffer),
  effectiveUntil: hash === "forever" ? null : 1_000,
});

describe.each<[string, () => Promise<VectorCache>]>([
  ["memory", async () => new MemoryVectorCache()],
  ["DynamoDB", async () => new DynamoVectorCache(tables.client(), await tables.create("pk", "sk"))],
])("a vector cache in %s", (_, make) => {
  it("gives what was put, by hash, and nothing for the rest", async () => {
    const cache = await make();
    await cache.put(ACME, "m", [text("a"), text("forever")], 0);
    const found = await cache.get(ACME, "m", ["a", "b", "forever", "a"]);
    expect([...found.keys()].toSorted()).toEqual(["a", "forever"]);
    expect(Buffer.from(found.get("a")?.vector ?? []).readFloatLE(0)).toBe(1);
    expect(found.get("a")?.effectiveUntil).toBe(1_000);
    expect(found.get("forever")?.effectiveUntil).toBeNull();
  });

  it("keeps tenants and models apart", async () => {
    const cache = await make();
    await cache.put(ACME, "m", [text("a")], 0);
    expect((await cache.get(OTHER, "m", ["a"])).size).toBe(0);
    expect((await cache.get(ACME, "n", ["a"])).size).toBe(0);
  });

  it("takes hundreds at once, the same hash twice, and replaces what was there", async () => {
    const cache = await make();
    const many = Array.from({ length: 130 }, (_, number) => text(`h${number}`));
    await cache.put(ACME, "m", [...many, ...many], 0);
    await cache.put(ACME, "m", [text("h7", 2)], 0);
    const hashes = many.map(({ hash }) => hash);
    const found = await cache.get(ACME, "m", hashes);
    expect(found.size).toBe(130);
    expect(Buffer.from(found.get("h7")?.vector ?? []).readFloatLE(0)).toBe(2);
  });
});
