import { beforeEach, expect, test } from "vitest";
import { writeManifest } from "../../../lambdas/re-index/write-manifest.ts";
import type { WorkloadRecords } from "../../../lambdas/workload-records.ts";
import { ACME, Knowledge } from "./knowledge.ts";

const MODEL = "text-embedding-3-small";

let knowledge: Knowledge;
beforeEach(async () => {
  knowledge = new Knowledge();
  await knowledge.policy();
});

/** Writes a manifest by records that are listed in another way. */
async function writeListing(list: WorkloadRecords["list"]) {
  const { records } = knowledge;
  const [get, decide] = [records.get.bind(records), records.decide.bind(records)];
  return writeManifest(ACME, MODEL, { ...knowledge.ports(), records: { get, decide, list } });
}

/** Stores a version whose publisher dies before it writes a manifest. */
async function publishAndDie(text: string): Promise<void> {
  await knowledge.store("a.md", text);
  const put = knowledge.objects.put.bind(knowledge.objects);
  knowledge.objects.put = async (key, body) =>
    key.includes("manifests/") ? Promise.reject(new Error("dead")) : put(key, body);
  await knowledge.answer();
  knowledge.objects.put = put;
}

test("what a manifest of a higher number names is not deleted by the writer of a lower one", async () => {
  await knowledge.store("a.md", "old");
  await knowledge.answer();
  const [taken, published] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  // The lower number is taken, but the documents are read only when the new version is published.
  const lower = writeListing(async function* (...args) {
    taken.resolve();
    await published.promise;
    yield* knowledge.records.list(...args);
  });
  await taken.promise;
  let isDone = false;
  // The higher number is taken, and the old version read; all the rest happens before that is written down.
  await writeListing(async function* (...args) {
    const found = await Array.fromAsync(knowledge.records.list(...args));
    if (!isDone) {
      isDone = true;
      await publishAndDie("new");
      published.resolve();
      await lower;
    }
    yield* found;
  });
  expect(await knowledge.texts()).toEqual({ "a.md": ["old"] });
  await writeManifest(ACME, MODEL, knowledge.ports());
  expect(await knowledge.texts()).toEqual({ "a.md": ["new"] });
});
