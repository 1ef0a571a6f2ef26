import type { QueryVectorsCommand, S3VectorsClient } from "@aws-sdk/client-s3vectors";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { KnowledgeIndex } from "../../../client/search-index.ts";
import { S3VectorIndex } from "../../../lambdas/adapters/s3-vector-index.ts";
import { startVectors, type Vectors } from "../../contracts/emulators.ts";
import { ACME, Knowledge, vectorOf } from "./knowledge.ts";
import { memoryS3 } from "./memory-s3.ts";

let vectors: Vectors;
let client: S3VectorsClient;
beforeAll(async () => {
  vectors = await startVectors();
  ({ client } = vectors);
});
afterAll(() => vectors.stop());

/** A knowledge base whose documents are in S3 Vectors too, and the two ways to search it. */
class TwofoldKnowledge extends Knowledge {
  readonly bucketArn = vectors.createBucket();
  readonly byVectors = this.indexOver(async () => undefined);

  constructor() {
    super();
    this.vectorIndex = new S3VectorIndex(client, this.bucketArn);
  }

  /** An index of an app, in which `beforeGet` happens before it reads an object of the gateway bucket. */
  indexOver(beforeGet: (key: string) => Promise<void>): KnowledgeIndex {
    const s3 = memoryS3(this.objects, beforeGet);
    return new KnowledgeIndex({
      s3,
      bucket: "memory",
      tenantId: ACME,
      vectors: { client, bucketArn: this.bucketArn },
    });
  }

  /** What both ways find for a query: the same. */
  async bothFind(text: string, limit = 10, freshAt?: Date): Promise<string[]> {
    const query = { vector: vectorOf(text), limit, freshAt };
    const [files, vectors] = [await this.index.search(query), await this.byVectors.search(query)];
    expect(vectors?.sequence).toBe(files?.sequence);
    const rounded = [files, vectors].map((found) =>
      found?.hits
        .map((hit) => ({ ...hit, score: hit.score.toFixed(5) }))
        .toSorted((a, b) => Number(b.score) - Number(a.score) || a.id.localeCompare(b.id)),
    );
    expect(rounded[1]).toEqual(rounded[0]);
    return (vectors?.hits ?? []).map((hit) => hit.text).toSorted();
  }
}

function manual(name: string, middle: string): string {
  return `# ${name}\n\nAbout ${name}.\n\n## Use\n\nUse ${name} ${middle}.\n\n## Care\n\nKeep ${name} dry.\n`;
}

let knowledge: TwofoldKnowledge;
beforeEach(async () => {
  knowledge = new TwofoldKnowledge();
  await knowledge.policy();
});

/** Vectors of other versions, all of them nearer to `any` than any document. */
async function putStrangers(count: number): Promise<void> {
  const vector = new Uint8Array(Float32Array.from(vectorOf("any")).buffer);
  const place = { hash: "h".repeat(32), source: "x.md", textKey: "x", offset: 0, length: 1 };
  const strangers = Array.from({ length: count }, (_, number) => {
    const version = `x/${number}-0`;
    return { key: `${version}/0`, vector, metadata: { version, ...place } };
  });
  await knowledge.vectorIndex?.put(ACME, "text-embedding-3-small", strangers);
}

test("finds what the exact search finds, while documents change, wait, go and come", async () => {
  const source = fc.constantFrom("a.md", "b.md", "c.md");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("store"), source, middle: fc.constantFrom("gently", "daily", "twice") }),
    fc.record({ kind: fc.constant("remove"), source, middle: fc.constant("") }),
    fc.record({ kind: fc.constant("answer"), source, middle: fc.constant("") }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      knowledge = new TwofoldKnowledge();
      await knowledge.policy();
      const current = new Map<string, string>();
      for (const { kind, source: name, middle } of steps) {
        if (kind === "store") {
          await knowledge.store(name, manual(name, middle));
          current.set(name, `Use ${name} ${middle}.`);
        } else if (kind === "remove") {
          await knowledge.remove(name);
          await knowledge.tell(name);
          current.delete(name);
        } else await knowledge.answer();
        await knowledge.bothFind("any");
      }
      await knowledge.answer();
      const uses = (await knowledge.bothFind("any")).filter((text) => text.startsWith("Use"));
      expect(uses).toEqual([...current.values()].toSorted());
    }),
    { numRuns: 40 },
  );
});

describe("a query", () => {
  beforeEach(async () => {
    await knowledge.store("a.md", manual("lamp", "as before"));
    await knowledge.answer();
  });

  test("sees the old version until the new one is whole, and nothing of the old one after that", async () => {
    await knowledge.store("a.md", manual("lamp", "with care"));
    expect(await knowledge.bothFind("any")).toContain("Use lamp as before.");
    await knowledge.answer();
    expect(await knowledge.bothFind("any")).toEqual(["About lamp.", "Keep lamp dry.", "Use lamp with care."]);
  });

  test.each([/manifests/, /text\.txt/])(
    "sees one version whole, replaced while it reads %s",
    async (moment) => {
      let isDone = false;
      const index = knowledge.indexOver(async (key) => {
        if (isDone || !moment.test(key)) return;
        isDone = true;
        await knowledge.store("a.md", manual("lamp", "with care"));
        await knowledge.answer();
      });
      const found = await index.search({ vector: vectorOf("any") });
      expect(isDone).toBe(true);
      expect((found?.hits ?? []).map(({ text }) => text).toSorted()).toEqual([
        "About lamp.",
        "Keep lamp dry.",
        "Use lamp with care.",
      ]);
    },
  );

  test("whose vectors are deleted under it begins anew", async () => {
    let isDone = false;
    const meddling = new Proxy(client, {
      get: (target, name) =>
        name === "send"
          ? async (command: QueryVectorsCommand) => {
              if (!isDone) {
                isDone = true;
                await knowledge.store("a.md", manual("lamp", "with care"));
                await knowledge.answer();
              }
              return target.send(command);
            }
          : Reflect.get(target, name),
    });
    const index = new KnowledgeIndex({
      s3: memoryS3(knowledge.objects),
      bucket: "memory",
      tenantId: ACME,
      vectors: { client: meddling, bucketArn: knowledge.bucketArn },
    });
    const found = await index.search({ vector: vectorOf("any") });
    expect(found?.hits.map(({ text }) => text)).toContain("Use lamp with care.");
    expect(found?.hits).toHaveLength(3);
  });

  test("leaves out what is no longer current, if it asks for that", async () => {
    const later = new Date(knowledge.now + 366 * 86_400_000);
    expect(await knowledge.bothFind("any", 5, later)).toEqual([]);
    expect(await knowledge.bothFind("any", 5, new Date(knowledge.now))).toHaveLength(3);
  });

  test("looks past more versions that are not named than one query finds, and beyond that goes by files", async () => {
    const read: string[] = [];
    const index = knowledge.indexOver(async (key) => void read.push(key));
    const findsAll = async () => {
      read.length = 0;
      const found = await index.search({ vector: vectorOf("any") });
      expect(found?.hits.map(({ text }) => text)).toContain("Use lamp as before.");
      return read.filter((key) => key.endsWith("chunks.json")).length;
    };
    await putStrangers(250);
    const before = vectors.queries();
    expect(await findsAll()).toBe(0);
    expect(vectors.queries()).toBe(before + 3);
    await putStrangers(1000);
    expect(await findsAll()).toBe(1);
  });

  test("for more hits than S3 Vectors gives is refused", async () => {
    await expect(knowledge.byVectors.search({ vector: vectorOf("any"), limit: 101 })).rejects.toThrow(
      RangeError,
    );
  });

  test("in another bucket, or in none, says so", async () => {
    const place = { s3: memoryS3(knowledge.objects), bucket: "memory", tenantId: ACME };
    const elsewhere = { client, bucketArn: `${knowledge.bucketArn}-other` };
    const index = new KnowledgeIndex({ ...place, vectors: elsewhere });
    await expect(index.search({ vector: vectorOf("any") })).rejects.toThrow(/the stack's own bucket/);
    const vectors = { client, bucketArn: JSON.parse("null") };
    expect(() => new KnowledgeIndex({ ...place, vectors })).toThrow(/VectorBucketArn/);
  });
});
