import { beforeEach, describe, expect, test } from "vitest";
import { MemoryVectorIndex } from "../../../lambdas/adapters/memory-vector-index.ts";
import { versionOf } from "../../../lambdas/domain/re-index/vector-entry.ts";
import { ACME, Knowledge } from "./knowledge.ts";

const SMALL = "text-embedding-3-small";
const LARGE = "text-embedding-3-large";

let knowledge: Knowledge;
let index: MemoryVectorIndex;
beforeEach(async () => {
  knowledge = new Knowledge();
  await knowledge.policy();
  index = new MemoryVectorIndex();
  knowledge.vectorIndex = index;
});

/** Versions that the vector index has anything of. */
function stored(model = SMALL): string[] {
  return [...new Set([...index.entries(ACME, model).keys()].map(versionOf))].toSorted();
}

/** Versions that the newest manifest says are there. */
async function named(): Promise<string[]> {
  const { documents = [] } = (await knowledge.index.manifest()) ?? {};
  return documents
    .filter(({ inVectors }) => inVectors)
    .map(({ key }) => key.split("/").slice(-3, -1).join("/"))
    .toSorted();
}

test("what is replaced or removed leaves the vector index, and the rest is what the manifest names", async () => {
  for (const source of ["a.md", "b.md", "c.md"]) await knowledge.store(source, `# ${source}\n\nfirst`);
  await knowledge.answer();
  await knowledge.store("a.md", "# a.md\n\nsecond");
  await knowledge.answer();
  await knowledge.remove("b.md");
  await knowledge.tell("b.md");
  expect(await named()).toHaveLength(2);
  expect(stored()).toEqual(await named());
});

test("another model has an index of its own, and leaves nothing in the one before", async () => {
  for (const source of ["a.md", "b.md"]) await knowledge.store(source, "text");
  await knowledge.answer();
  await knowledge.policy({ model: LARGE });
  await knowledge.check();
  await knowledge.answer();
  await knowledge.tell("a.md");
  expect(stored(SMALL)).toEqual([]);
  expect(stored(LARGE)).toEqual(await named());
  expect(await named()).toHaveLength(2);
});

test("documents of a time without it come into it without being embedded again", async () => {
  knowledge.vectorIndex = undefined;
  await knowledge.store("a.md", "text");
  await knowledge.answer();
  expect(await named()).toEqual([]);
  knowledge.vectorIndex = index;
  expect(await knowledge.check()).toBe(1);
  await knowledge.answer();
  expect(knowledge.embedded).toHaveLength(1);
  expect(await named()).toHaveLength(1);
  expect(stored()).toEqual(await named());
  expect(await knowledge.check()).toBe(0);
});

describe("a publisher", () => {
  test("that is overtaken and tidied up after takes away what it put too late", async () => {
    await knowledge.store("a.md", "first");
    const first = knowledge.results();
    const put = index.put.bind(index);
    let isDone = false;
    index.put = async (...args) => {
      if (!isDone) {
        isDone = true;
        // Before its vectors are there, another version is published, and this one deleted.
        await knowledge.store("a.md", "second");
        await knowledge.answer();
      }
      await put(...args);
    };
    await knowledge.deliver(first);
    expect(isDone).toBe(true);
    expect(await knowledge.texts()).toEqual({ "a.md": ["second"] });
    expect(stored()).toEqual(await named());
  });

  test("that finds its version published by another leaves it as it is", async () => {
    await knowledge.store("a.md", "text");
    const results = knowledge.results();
    const put = index.put.bind(index);
    let isDone = false;
    index.put = async (...args) => {
      await put(...args);
      if (isDone) return;
      isDone = true;
      await knowledge.deliver(results);
    };
    await knowledge.deliver(results);
    expect(await knowledge.texts()).toEqual({ "a.md": ["text"] });
    expect(stored()).toEqual(await named());
    expect(stored()).toHaveLength(1);
  });

  test("whose vectors cannot be put publishes nothing, and does when its message comes again", async () => {
    await knowledge.store("a.md", "text");
    const results = knowledge.results();
    const put = index.put.bind(index);
    index.put = async () => Promise.reject(new Error("S3 Vectors is away"));
    expect((await knowledge.deliver(results)).failed).toHaveLength(1);
    expect(await named()).toEqual([]);
    index.put = put;
    await knowledge.deliver(results);
    expect(await named()).toHaveLength(1);
  });
});
