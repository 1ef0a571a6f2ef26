import { QueryVectorsCommand } from "@aws-sdk/client-s3vectors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryVectorIndex } from "../../lambdas/adapters/memory-vector-index.ts";
import { S3VectorIndex } from "../../lambdas/adapters/s3-vector-index.ts";
import { type TenantId, tenantIdSchema } from "../../lambdas/domain/ids.ts";
import { type VectorEntry, vectorIndexName } from "../../lambdas/domain/re-index/vector-entry.ts";
import type { VectorIndex } from "../../lambdas/vector-index.ts";
import { startVectors, type Vectors } from "./emulators.ts";

const ACME = tenantIdSchema.parse("acme");
const OTHER = tenantIdSchema.parse("other");

let vectors: Vectors;
beforeAll(async () => {
  vectors = await startVectors();
});
afterAll(() => vectors.stop());

function entry(key: string, ...floats: number[]): VectorEntry {
  const version = key.slice(0, key.lastIndexOf("/"));
  const place = { textKey: `${version}/text.txt`, offset: 3, length: 5 };
  const metadata = { version, source: "a.md", hash: "h".repeat(32), ...place };
  return { key, vector: new Uint8Array(Float32Array.from(floats).buffer), metadata };
}

type Bench = {
  readonly index: VectorIndex;
  readonly keys: (tenantId: TenantId, model: string) => Promise<string[]>;
};

async function inMemory(): Promise<Bench> {
  const index = new MemoryVectorIndex();
  return { index, keys: async (...place) => [...index.entries(...place).keys()].toSorted() };
}

async function inS3Vectors(): Promise<Bench> {
  const { client } = vectors;
  const arn = vectors.createBucket();
  return {
    index: new S3VectorIndex(client, arn),
    keys: async (tenantId, model) => {
      const query = new QueryVectorsCommand({
        indexArn: `${arn}/index/${vectorIndexName(tenantId, model)}`,
        topK: 100,
        queryVector: { float32: [1, 1] },
      });
      const { vectors: found = [] } = await client.send(query);
      return found.map(({ key }) => key ?? "").toSorted();
    },
  };
}

describe.each([
  ["memory", inMemory],
  ["S3 Vectors", inS3Vectors],
])("a vector index in %s", (_, make) => {
  it("holds what was put, for each tenant and model apart", async () => {
    const { index, keys } = await make();
    await index.put(ACME, "m", [entry("d/1/0", 1, 0), entry("d/1/1", 0, 1)]);
    await index.put(ACME, "n", [entry("d/2/0", 1, 0)]);
    await index.put(OTHER, "m", [entry("d/3/0", 1, 0)]);
    expect(await keys(ACME, "m")).toEqual(["d/1/0", "d/1/1"]);
    expect(await keys(ACME, "n")).toEqual(["d/2/0"]);
    expect(await keys(OTHER, "m")).toEqual(["d/3/0"]);
  });

  it("takes and deletes hundreds at once, and both again", async () => {
    const { index, keys } = await make();
    const many = Array.from({ length: 620 }, (_each, number) => entry(`d/1/${number}`, 1, number));
    await index.put(ACME, "m", many);
    await index.put(ACME, "m", many);
    const gone = many.slice(7).map(({ key }) => key);
    await index.delete(ACME, "m", gone);
    await index.delete(ACME, "m", gone);
    expect(await keys(ACME, "m")).toEqual(many.slice(0, 7).map(({ key }) => key));
  });

  it("deletes from what was never put without complaint", async () => {
    const { index } = await make();
    await expect(index.delete(ACME, "m", ["d/1/0"])).resolves.toBeUndefined();
  });

  it("leaves out a vector of zeros, and makes an index for one put at the same time by two", async () => {
    const { index, keys } = await make();
    await Promise.all([
      index.put(ACME, "m", [entry("d/1/0", 1, 0), entry("d/1/1", 0, 0)]),
      index.put(ACME, "m", [entry("d/2/0", 1, 0)]),
    ]);
    expect(await keys(ACME, "m")).toEqual(["d/1/0", "d/2/0"]);
  });
});
