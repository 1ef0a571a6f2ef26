import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decideAbsence,
  decideBegin,
  decideFailure,
  decidePublish,
  decideReading,
  decideTidy,
  type DocumentRecord,
  versionFor,
} from "../../../lambdas/domain/re-index/document-record.ts";
import { needsCheck } from "../../../lambdas/domain/re-index/document-check.ts";

const MODEL = "m";
const INDEXING = { model: MODEL, inVectors: false };
const DOCUMENT = { documentId: "d", source: "a.md" };

/** What a reader saw: a content, or that the document is gone. */
type Seen = "one" | "two" | "gone";

/** A document with any number of readers under way, each somewhere between its first write and its last. */
class Story {
  record: DocumentRecord | undefined;
  object: Seen = "gone";
  readonly #readers: { readonly revision: number; seen?: Seen }[] = [];
  readonly #versions = new Map<number, string>();

  change(object: Seen): void {
    this.object = object;
    this.start();
  }

  start(): void {
    const { answer, next } = decideReading(this.record, DOCUMENT);
    this.record = next;
    this.#readers.push({ revision: answer.revision });
  }

  look(place: number): void {
    const reader = this.#readers[place % Math.max(1, this.#readers.length)];
    if (reader) reader.seen = this.object;
  }

  note(place: number): void {
    const [reader] = this.#readers.splice(place % Math.max(1, this.#readers.length), 1);
    if (!reader) return;
    const { revision, seen = this.object } = reader;
    const read = { revision, at: 0 };
    const folder = `${revision}/`;
    this.#versions.set(revision, seen);
    const { next } =
      seen === "gone"
        ? decideAbsence(this.record, read, { state: "removed" })
        : decideBegin(
            this.record,
            read,
            { content: seen, model: MODEL, inVectors: false },
            { revision, folder, content: seen, model: MODEL },
          );
    this.record = next ?? this.record;
  }

  /** Any revision's results may come at any time, and again. */
  publish(revision: number): void {
    const content = this.#versions.get(revision) ?? "never";
    const version = {
      revision,
      folder: `${revision}/`,
      content,
      model: MODEL,
      chunks: 1,
      effectiveUntil: null,
      inVectors: false,
    };
    this.record = decidePublish(this.record, version).next ?? this.record;
  }

  tidy(): void {
    const deleted = this.record?.superseded ?? [];
    const inUse = [...(this.record?.ready ?? []), ...(this.record?.pending ? [this.record.pending] : [])];
    for (const { folder } of inUse) expect(deleted).not.toContain(folder);
    this.record = decideTidy(this.record, { models: [MODEL], deleted }).next ?? this.record;
  }

  /** Everybody who began comes to an end, in the order that the story says, and the pending version's results come. */
  end(): void {
    while (this.#readers.length > 0) this.note(0);
    const pending = this.record?.pending;
    if (pending) this.publish(pending.revision);
  }
}

const place = fc.nat(5);
const step = fc.oneof(
  fc.record({ do: fc.constant("change" as const), to: fc.constantFrom<Seen>("one", "two", "gone") }),
  fc.record({ do: fc.constantFrom("look" as const, "note" as const, "publish" as const), place }),
  fc.record({ do: fc.constantFrom("start" as const, "tidy" as const) }),
);

test("whatever the order of readers, results and changes, the index ends as the document is", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const story = new Story();
      for (const each of steps) {
        if (each.do === "change") story.change(each.to);
        else if (each.do === "look") story.look(each.place);
        else if (each.do === "note") story.note(each.place);
        else if (each.do === "publish") story.publish(each.place + 1);
        else if (each.do === "start") story.start();
        else story.tidy();
        expect(story.record?.ready.length ?? 0).toBeLessThanOrEqual(1);
      }
      story.end();
      const contents = story.record?.ready.map(({ content }) => content) ?? [];
      expect(contents).toEqual(story.object === "gone" ? [] : [story.object]);
      story.tidy();
      expect(story.record?.superseded ?? []).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

test("a reading that finds gone what it counted on is made again", () => {
  const { next } = decideReading(undefined, DOCUMENT);
  const begun = decideBegin(next, { revision: 1, at: 0 }, { content: "one", ...INDEXING }, null);
  expect(begun).toEqual({ answer: { kind: "changed" } });
});

test("a failure ends the version it is of, and no other", () => {
  const { next: read } = decideReading(undefined, DOCUMENT);
  const version = { revision: 1, folder: "1/", content: "one", model: MODEL };
  const { next: begun } = decideBegin(read, { revision: 1, at: 0 }, { content: "one", ...INDEXING }, version);
  const problem = { code: "c", message: "m", at: 0 };
  expect(decideFailure(begun, 2, problem)).toEqual({ answer: "outdated" });
  expect(decideFailure(begun, 1, problem).next).toMatchObject({
    state: "failed",
    pending: null,
    superseded: ["1/"],
  });
});

const HOUR = 3_600_000;
const record: DocumentRecord = {
  version: 1,
  ...DOCUMENT,
  revision: 1,
  noted: 1,
  readAt: 100_000,
  state: "present",
  ready: [{ revision: 1, folder: "1/", content: "one", ...INDEXING, chunks: 1, effectiveUntil: null }],
  pending: null,
  problem: null,
  superseded: [],
};
const pending = { revision: 2, folder: "2/", content: "two", model: MODEL };

test.each<[string, Partial<DocumentRecord> | undefined, number | undefined, number, boolean]>([
  ["as it is", {}, 50_000, 0, false],
  ["written since it was read", {}, 100_001, 0, true],
  ["written in the seconds before it was read", {}, 99_000, 0, true],
  ["not known", undefined, 0, 0, true],
  ["gone", {}, undefined, 0, true],
  ["known to be gone", { state: "removed" }, undefined, 0, false],
  ["back again", { state: "removed" }, 0, 0, true],
  ["refused", { state: "refused", ready: [] }, 0, 1000 * HOUR, false],
  ["failed less than an hour ago", { state: "failed" }, 0, HOUR, false],
  ["failed an hour ago", { state: "failed" }, 0, HOUR + 100_001, true],
  ["under way, and read as it was written", { pending }, 99_000, 0, false],
  ["under way, and replaced since", { pending }, 100_001, 0, true],
  ["under way for a day", { pending }, 0, 24 * HOUR, false],
  ["under way for 26 hours", { pending }, 0, 26 * HOUR + 100_001, true],
  ["under way for another model", { pending: { ...pending, model: "old" } }, 0, 0, true],
  ["of another model", { ready: [{ ...record.ready[0]!, model: "old" }] }, 0, 0, true],
  ["no longer current", { ready: [{ ...record.ready[0]!, effectiveUntil: 5 }] }, 0, 6, true],
])("a document that is %s: looked at or not", (_, changes, writtenAt, now, expected) => {
  expect(needsCheck(changes && { ...record, ...changes }, writtenAt, INDEXING, now)).toBe(expected);
});

test("a document of a time without a vector index is looked at once there is one", () => {
  const indexing = { model: MODEL, inVectors: true };
  expect(needsCheck(record, 0, indexing, 0)).toBe(true);
  expect(needsCheck({ ...record, ready: [{ ...record.ready[0]!, inVectors: true }] }, 0, indexing, 0)).toBe(
    false,
  );
  expect(versionFor(record, { content: "one", ...indexing }, 0)).toBeUndefined();
  expect(versionFor(record, { content: "one", ...INDEXING }, 0)).toBe("ready");
});

test("a version that is published twice stands, and one whose place is taken is outdated", () => {
  const [ready] = record.ready;
  const version = { ...ready!, folder: "2/", revision: 2 };
  const { answer, next } = decidePublish({ ...record, pending }, version);
  expect({ answer, superseded: next?.superseded }).toEqual({ answer: "published", superseded: ["1/"] });
  expect(decidePublish(next, version)).toEqual({ answer: "standing" });
  expect(decidePublish(next, ready!)).toEqual({ answer: "outdated" });
});
