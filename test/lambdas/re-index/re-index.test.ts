import { beforeEach, describe, expect, test } from "vitest";
import { KnowledgeIndex } from "../../../client/search-index.ts";
import { checkKnowledge } from "../../../lambdas/check-knowledge/check-knowledge.ts";
import { indexPrefix } from "../../../lambdas/domain/re-index/document-source.ts";
import { ACME, Knowledge, vectorOf } from "./knowledge.ts";
import { memoryS3 } from "./memory-s3.ts";

let knowledge: Knowledge;
beforeEach(async () => {
  knowledge = new Knowledge();
  await knowledge.policy();
});

/** Three sections of their own, and one that every document has. */
function manual(name: string, middle = "as before"): string {
  return `# ${name}\n\nAbout ${name}.\n\n## Use\n\nUse ${name} ${middle}.\n\n## Care\n\nKeep ${name} dry.\n`;
}

async function keys(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of knowledge.objects.list(`${indexPrefix(ACME)}${prefix}`)) found.push(key);
  return found;
}

describe("a thousand documents of which ten change", () => {
  test("have only the changed chunks embedded again", { timeout: 60_000 }, async () => {
    const sources = Array.from({ length: 1000 }, (_, number) => `manuals/${number}.md`);
    for (const source of sources) await knowledge.put(source, manual(source));
    await knowledge.tell(...sources);
    await knowledge.answer();
    expect(knowledge.embedded).toHaveLength(3000);

    const changed = sources.filter((_, number) => number % 100 === 7);
    for (const source of changed) await knowledge.put(source, manual(source, "with care"));
    await knowledge.tell(...sources);
    await knowledge.answer();
    expect(knowledge.embedded.slice(3000).toSorted()).toEqual(
      changed.map((source) => `${source} > Use\n\nUse ${source} with care.`).toSorted(),
    );
    const texts = await knowledge.texts();
    expect(Object.keys(texts)).toHaveLength(1000);
    expect(texts["manuals/7.md"]).toContain("Use manuals/7.md with care.");
    expect(texts["manuals/8.md"]).toContain("Use manuals/8.md as before.");
  });
});

test("a text that only the published version still has is not embedded again", async () => {
  await knowledge.store("a.md", manual("lamp"));
  await knowledge.answer();
  knowledge.vectors.clear();
  await knowledge.store("a.md", manual("lamp", "with care"));
  await knowledge.answer();
  expect(knowledge.embedded.slice(3)).toEqual(["lamp > Use\n\nUse lamp with care."]);
});

test("a document that moves costs nothing", async () => {
  await knowledge.store("a.md", manual("lamp"));
  await knowledge.answer();
  await knowledge.put("b/c.md", manual("lamp"));
  await knowledge.remove("a.md");
  await knowledge.tell("a.md", "b/c.md");
  expect(knowledge.embedded).toHaveLength(3);
  expect(Object.keys(await knowledge.texts())).toEqual(["b/c.md"]);
});

describe("a query", () => {
  const old = ["About lamp.", "Keep lamp dry.", "Use lamp as before."];
  const changed = ["About lamp.", "Keep lamp dry.", "Use lamp with care."];
  beforeEach(async () => {
    await knowledge.store("a.md", manual("lamp"));
    await knowledge.answer();
    await knowledge.store("a.md", manual("lamp", "with care"));
  });

  test("sees the old version until the new one is whole", async () => {
    expect(await knowledge.texts()).toEqual({ "a.md": old });
    await knowledge.answer();
    expect(await knowledge.texts()).toEqual({ "a.md": changed });
  });

  test("sees one version whole, whichever of its files is replaced while it reads", async () => {
    const seen: unknown[] = [];
    for (const moment of [/manifests/, /chunks\.json/, /text\.txt/]) {
      let isDone = false;
      const s3 = memoryS3(knowledge.objects, async (key) => {
        if (isDone || !moment.test(key)) return;
        isDone = true;
        await knowledge.store("a.md", manual("lamp", String(moment)));
        await knowledge.answer();
      });
      const index = new KnowledgeIndex({ s3, bucket: "memory", tenantId: ACME });
      const found = await index.search({ vector: vectorOf("any") });
      const texts = (found?.hits ?? []).map(({ text }) => text).toSorted();
      expect(texts).toEqual(["About lamp.", "Keep lamp dry.", `Use lamp ${String(moment)}.`].toSorted());
      seen.push(texts);
    }
    expect(seen).toHaveLength(3);
  });

  test("finds the nearest text first, says where it lies, under what, and until when it is current", async () => {
    await knowledge.answer();
    const vector = vectorOf("text-embedding-3-small lamp > Use\n\nUse lamp with care.");
    const [hit] = (await knowledge.index.search({ vector, limit: 1 }))?.hits ?? [];
    expect(hit).toMatchObject({ source: "a.md", headings: ["lamp", "Use"], text: "Use lamp with care." });
    expect(hit?.score).toBeCloseTo(1);
    expect(hit?.effectiveUntil).toBe(new Date(knowledge.now + 365 * 86_400_000).toISOString());
    const { key = "", offset = 0, length = 0 } = hit?.pointer ?? {};
    const bytes = await knowledge.objects.getRange(key, offset, length);
    expect(Buffer.from(bytes).toString()).toBe("Use lamp with care.");
  });

  test("leaves out what is no longer current, if it asks for that", async () => {
    const vector = vectorOf("any");
    const later = new Date(knowledge.now + 366 * 86_400_000);
    expect((await knowledge.index.search({ vector, freshAt: later }))?.hits).toEqual([]);
  });

  test("of another model's dimensions is refused", async () => {
    await expect(knowledge.index.search({ vector: [1, 0] })).rejects.toThrow(RangeError);
  });
});

describe("results", () => {
  test("in any order, twice, and late leave the newest version", async () => {
    await knowledge.store("a.md", manual("lamp", "one"));
    const first = knowledge.results();
    await knowledge.store("a.md", manual("lamp", "two"));
    const second = knowledge.results();
    await knowledge.deliver(second);
    await knowledge.deliver([...first, ...second, ...first]);
    expect((await knowledge.texts())["a.md"]).toContain("Use lamp two.");
  });

  test("for a document that was removed meanwhile bring nothing back", async () => {
    await knowledge.store("a.md", manual("lamp"));
    const results = knowledge.results();
    await knowledge.remove("a.md");
    await knowledge.tell("a.md");
    await knowledge.deliver(results);
    expect(await knowledge.texts()).toEqual({});
    expect(await keys("documents/")).toEqual([]);
  });

  test("that failed leave the old version, are told, and are tried again an hour later", async () => {
    await knowledge.store("a.md", manual("lamp"));
    await knowledge.answer();
    await knowledge.store("a.md", manual("lamp", "with care"));
    const error = { code: "server_error", message: "the provider failed" };
    await knowledge.deliver(
      knowledge.results((result) => ({ ...result, status: "failed", response: null, error })),
    );
    expect((await knowledge.texts())["a.md"]).toContain("Use lamp as before.");
    expect((await knowledge.index.manifest())?.problems).toMatchObject([{ source: "a.md", ...error }]);
    expect(await knowledge.check()).toBe(0);
    knowledge.now += 3_600_001;
    expect(await knowledge.check()).toBe(1);
    await knowledge.answer();
    expect((await knowledge.texts())["a.md"]).toContain("Use lamp with care.");
    expect((await knowledge.index.manifest())?.problems).toEqual([]);
  });

  test.each([
    ["a vector too few", { data: [{ index: 0, embedding: [1, 2] }] }],
    [
      "vectors of several lengths",
      { data: [0, 1, 2].map((n) => ({ index: n, embedding: Array(n + 1).fill(1) })) },
    ],
    ["no vectors", "<html>"],
  ])("with %s are a failure, and no half of a document", async (_, response) => {
    await knowledge.store("a.md", manual("lamp"));
    await knowledge.deliver(knowledge.results((result) => ({ ...result, response })));
    const manifest = await knowledge.index.manifest();
    expect(manifest).toMatchObject({ documents: [], waiting: 0, problems: [{ code: "unreadable_answer" }] });
  });
});

test("jobs that were not sent are sent when the message comes again", async () => {
  const { send } = knowledge.jobs;
  knowledge.jobs.send = async () => Promise.reject(new Error("SQS is away"));
  const { failed } = await knowledge.store("a.md", manual("lamp"));
  expect(failed).toHaveLength(1);
  knowledge.jobs.send = send;
  await knowledge.tell("a.md");
  await knowledge.answer();
  expect(Object.keys(await knowledge.texts())).toEqual(["a.md"]);
});

test("what was published just before its function died is shown when the message comes again", async () => {
  await knowledge.store("a.md", manual("lamp"));
  const results = knowledge.results();
  const put = knowledge.objects.put.bind(knowledge.objects);
  knowledge.objects.put = async (key, body) =>
    key.includes("manifests/") ? Promise.reject(new Error("dead")) : put(key, body);
  expect((await knowledge.deliver(results)).failed).toHaveLength(1);
  knowledge.objects.put = put;
  await knowledge.deliver(results);
  expect(Object.keys(await knowledge.texts())).toEqual(["a.md"]);
});

describe("another model", () => {
  beforeEach(async () => {
    for (const name of ["a.md", "b.md"]) await knowledge.store(name, manual(name));
    await knowledge.answer();
    await knowledge.policy({ model: "text-embedding-3-large" });
    await knowledge.check();
  });

  test("serves when every document is embedded by it, and all at once", async () => {
    const results = knowledge.results();
    expect(results).toHaveLength(2);
    await knowledge.deliver(results.slice(0, 1));
    const between = await knowledge.index.manifest();
    expect(between).toMatchObject({ model: "text-embedding-3-small", waiting: 1 });
    expect(between?.documents).toHaveLength(2);
    await knowledge.deliver(results.slice(1));
    const after = await knowledge.index.manifest();
    expect(after).toMatchObject({ model: "text-embedding-3-large", waiting: 0 });
    expect(after?.documents).toHaveLength(2);
    expect(knowledge.embedded).toHaveLength(12);
  });

  test("waits for no document that is removed meanwhile, and leaves no files of the one before", async () => {
    await knowledge.remove("a.md");
    await knowledge.tell("a.md");
    await knowledge.answer();
    await knowledge.tell("b.md");
    expect(await knowledge.index.manifest()).toMatchObject({ model: "text-embedding-3-large" });
    expect(Object.keys(await knowledge.texts())).toEqual(["b.md"]);
    expect(await keys("documents/")).toHaveLength(3);
    expect(await keys("manifests/")).toHaveLength(1);
  });
});

describe("the quarter-hourly look", () => {
  test("takes documents that no event told of, and drops those that are gone", async () => {
    await knowledge.put("a.md", manual("lamp"));
    await knowledge.check();
    await knowledge.answer();
    expect(Object.keys(await knowledge.texts())).toEqual(["a.md"]);
    await knowledge.remove("a.md");
    await knowledge.check();
    expect(await knowledge.texts()).toEqual({});
  });

  test("goes on after a tenant whose documents cannot be gone through", async () => {
    await knowledge.policy({}, "globex");
    await knowledge.put("a.md", manual("lamp"));
    const list = knowledge.objects.list.bind(knowledge.objects);
    knowledge.objects.list = (prefix) => {
      if (prefix.includes("tenant=globex/")) throw new Error("S3 is away");
      return list(prefix);
    };
    const { checked, failures } = await checkKnowledge(knowledge);
    expect({ checked, failures: failures.map(String) }).toEqual({
      checked: 1,
      failures: ["Error: S3 is away"],
    });
  });

  test("asks for nothing where nothing has changed", async () => {
    await knowledge.store("a.md", manual("lamp"));
    await knowledge.answer();
    expect(await knowledge.check()).toBe(0);
  });

  test("has embedded again what is no longer current", async () => {
    await knowledge.store("a.md", manual("lamp"));
    await knowledge.answer();
    knowledge.now += 366 * 86_400_000;
    expect(await knowledge.check()).toBe(1);
    await knowledge.answer();
    expect(knowledge.embedded).toHaveLength(6);
    const found = await knowledge.index.search({ vector: vectorOf("any"), freshAt: new Date(knowledge.now) });
    expect(found?.hits).toHaveLength(3);
  });
});

describe("what is hostile or broken", () => {
  beforeEach(() => knowledge.store("good.md", manual("lamp")));

  test.each([
    ["fifty megabytes", "big.md", Buffer.alloc(50_000_000, "word "), "too_large"],
    ["a binary file", "logo.png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2]), "unsupported_type"],
    ["a binary file that calls itself text", "logo.txt", Buffer.from([0x89, 0x50, 0x4e, 0x47]), "not_text"],
    ["control characters", "bell.md", "ring\u0007\u0000", "not_text"],
    ["Latin-1", "old.txt", Buffer.from("Grüße", "latin1"), "not_text"],
    ["nothing but a script", "x.html", "<script>steal()</script>", "empty"],
  ])("%s is refused by name, and nothing else is affected", async (_, source, body, code) => {
    const { failed, counts } = await knowledge.store(source, body);
    expect({ failed, counts }).toEqual({ failed: [], counts: { refused: 1 } });
    await knowledge.answer();
    expect(Object.keys(await knowledge.texts())).toEqual(["good.md"]);
    expect((await knowledge.index.manifest())?.problems).toMatchObject([{ source, code }]);
  });

  test("a page's scripts, styles and comments are not embedded, its text and headings are", async () => {
    const page = `<html><head><title>T</title><script>evil()</script></head><body>
      <h1 onclick="evil()">Guide</h1><p>Hello <b>there</b> &amp; welcome<!-- evil --></p>
      <h2>More</h2><style>.evil{}</style><iframe src="evil"></iframe><img src=x onerror="evil()"><p>End</p>`;
    await knowledge.store("page.html", page);
    await knowledge.answer();
    const texts = await knowledge.texts();
    expect(texts["page.html"]).toEqual(["End", "Hello there & welcome"]);
    expect(knowledge.embedded.join()).not.toContain("evil");
    expect(knowledge.embedded).toContain("Guide > More\n\nEnd");
  });

  test("a document that becomes unreadable leaves the index", async () => {
    await knowledge.answer();
    await knowledge.store("good.md", Buffer.from([0xff, 0xfe, 0]));
    expect(await knowledge.texts()).toEqual({});
  });

  test("keys of nobody, of tenants without the workload, and folders are ignored", async () => {
    const { failed, counts } = await knowledge.tell("folder/");
    expect({ failed, counts }).toEqual({ failed: [], counts: {} });
    await knowledge.tell("good.md");
    await knowledge.tenants.put({
      ...(await knowledge.tenants.get(ACME))!,
      policy: { ...(await knowledge.tenants.get(ACME))!.policy, workloads: {} },
    });
    expect((await knowledge.tell("good.md")).counts).toEqual({ ignored: 1 });
  });
});
