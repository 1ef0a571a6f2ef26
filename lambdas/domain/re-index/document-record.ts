import { z } from "zod";
import type { TenantId } from "../ids.ts";
import type { Instant } from "../instant.ts";
import type { Decision, RecordKey, RecordKind } from "../workload-record.ts";

/** One version of a document under one model. */
const versionSchema = z.object({
  revision: z.int().positive(),
  /** Where its text, its plan and, once it is complete, its chunks lie. */
  folder: z.string(),
  /** Hash of the document's bytes and of how they were split. */
  content: z.string(),
  model: z.string(),
});
export type Version = z.infer<typeof versionSchema>;

const readyVersionSchema = versionSchema.extend({
  chunks: z.int().nonnegative(),
  /** When the first of its embeddings is no longer current. */
  effectiveUntil: z.number().nullable(),
  /** Whether the vector index has its chunks: false for what was published while the stage had none. */
  inVectors: z.boolean().default(false),
});
export type ReadyVersion = z.infer<typeof readyVersionSchema>;

const problemSchema = z.object({ code: z.string(), message: z.string(), at: z.number() });

/**
 * A document as the index knows it. Reading one takes a revision first and is noted under it: what a later reader saw
 * stands, whoever writes last. `ready` has one version for each model in use, `pending` waits for embeddings.
 */
const documentRecordSchema = z.object({
  version: z.literal(1),
  documentId: z.string(),
  source: z.string(),
  /** The last revision that was given out. */
  revision: z.int().nonnegative(),
  /** The revision of the reading that the rest is of. */
  noted: z.int().nonnegative(),
  /** When that reading began. */
  readAt: z.number(),
  state: z.enum(["present", "removed", "refused", "failed"]),
  ready: z.array(readyVersionSchema),
  pending: versionSchema.nullable(),
  /** Why it was refused, or why its embedding failed. */
  problem: problemSchema.nullable(),
  /** Folders that no manifest will name again. */
  superseded: z.array(z.string()),
});
export type DocumentRecord = z.infer<typeof documentRecordSchema>;

/** Seconds for which it is remembered that a document was removed: longer than any message about it is kept. */
const TOMBSTONE_SECONDS = 30 * 86_400;

export const DOCUMENT_RECORDS: RecordKind<DocumentRecord> = {
  schema: documentRecordSchema,
  expiresAt: ({ state, superseded, readAt }) =>
    state === "removed" && superseded.length === 0 ? Math.ceil(readAt / 1000) + TOMBSTONE_SECONDS : undefined,
};

export function documentKey(tenantId: TenantId, documentId: string): RecordKey {
  return { pk: `KB#${tenantId}`, sk: `DOC#${documentId}` };
}

/** Every document's record begins with this. */
export const DOCUMENT_PREFIX = "DOC#";

/** A reading that is about to begin: its revision, and the document as it was known before. */
export type Reading = { readonly revision: number; readonly record: DocumentRecord };

export function decideReading(
  current: DocumentRecord | undefined,
  document: { readonly documentId: string; readonly source: string },
): Decision<DocumentRecord, Reading> {
  const before: DocumentRecord = current ?? {
    version: 1,
    ...document,
    revision: 0,
    noted: 0,
    readAt: 0,
    state: "removed",
    ready: [],
    pending: null,
    problem: null,
    superseded: [],
  };
  const next = { ...before, revision: before.revision + 1 };
  return { answer: { revision: next.revision, record: next }, next };
}

export type Read = { readonly revision: number; readonly at: Instant };

/** `outdated`: a later reading was noted first, and this one is forgotten. */
export type Noted = "noted" | "outdated";

/** What a reading found where no version is to be made. */
type Absence =
  | { readonly state: "removed" }
  | { readonly state: "refused"; readonly code: string; readonly message: string };

/** The document is gone, or cannot be read: whatever was known of it leaves the index. */
export function decideAbsence(
  current: DocumentRecord | undefined,
  read: Read,
  absence: Absence,
): Decision<DocumentRecord, Noted> {
  if (!current || read.revision <= current.noted) return { answer: "outdated" };
  const { state } = absence;
  const problem =
    absence.state === "refused" ? { code: absence.code, message: absence.message, at: read.at } : null;
  return {
    answer: "noted",
    next: {
      ...note(current, read),
      state,
      problem,
      ready: [],
      pending: null,
      superseded: foldersOf(current),
    },
  };
}

/** What a version is wanted of, and whether it is to be in a vector index too. */
export type Wanted = Pick<Version, "content" | "model"> & { readonly inVectors: boolean };

/** A version that is complete or under way already: nothing is to be made of what was read. */
export function versionFor(
  record: DocumentRecord,
  { content, model, inVectors }: Wanted,
  now: Instant,
): "ready" | "pending" | undefined {
  const ready = record.ready.find((version) => version.model === model);
  const isCurrent =
    ready?.content === content &&
    (ready.inVectors || !inVectors) &&
    (ready.effectiveUntil === null || ready.effectiveUntil > now);
  if (isCurrent) return "ready";
  const { pending } = record;
  return pending?.content === content && pending.model === model ? "pending" : undefined;
}

/** `changed`: what stood when the reading began has gone since, and a version has to be made after all. */
export type Begun =
  | { readonly kind: "outdated" | "changed" | "ready" }
  | { readonly kind: "pending"; readonly version: Version };

/**
 * Notes the version that a reading made: it is pending until it is published, and what was pending before is dropped.
 * Where the same content is ready, or pending, already, that stands instead.
 */
export function decideBegin(
  current: DocumentRecord | undefined,
  read: Read,
  wanted: Wanted,
  made: Version | null,
): Decision<DocumentRecord, Begun> {
  if (!current || read.revision <= current.noted) return { answer: { kind: "outdated" } };
  const standing = versionFor(current, wanted, read.at);
  if (standing === undefined && made === null) return { answer: { kind: "changed" } };
  const pending = standing === "ready" ? null : standing === "pending" ? current.pending : made;
  const dropped = current.pending && current.pending !== pending ? [current.pending.folder] : [];
  const superseded = [...current.superseded, ...dropped];
  return {
    answer: pending === null ? { kind: "ready" } : { kind: "pending", version: pending },
    next: { ...note(current, read), state: "present", problem: null, pending, superseded },
  };
}

/**
 * The pending version of this revision has all its embeddings: it takes the place of the one before, at once. `standing`:
 * it has done so already. `outdated`: another has, and nobody will ask for this one again.
 */
export function decidePublish(
  current: DocumentRecord | undefined,
  published: ReadyVersion,
): Decision<DocumentRecord, "published" | "standing" | "outdated"> {
  if (current?.ready.some(({ folder }) => folder === published.folder)) return { answer: "standing" };
  if (current?.pending?.revision !== published.revision) return { answer: "outdated" };
  const replaced = current.ready.filter(({ model }) => model === published.model);
  const ready = [...current.ready.filter(({ model }) => model !== published.model), published];
  const superseded = [...current.superseded, ...replaced.map(({ folder }) => folder)];
  return { answer: "published", next: { ...current, ready, pending: null, superseded } };
}

/** An embedding of the pending version of this revision failed for good: what is published stays as it is. */
export function decideFailure(
  current: DocumentRecord | undefined,
  revision: number,
  problem: z.infer<typeof problemSchema>,
): Decision<DocumentRecord, "failed" | "outdated"> {
  if (current?.pending?.revision !== revision) return { answer: "outdated" };
  const superseded = [...current.superseded, current.pending.folder];
  return { answer: "failed", next: { ...current, state: "failed", pending: null, problem, superseded } };
}

/** Drops what is of no model in use, and forgets folders that are deleted now. */
export function decideTidy(
  current: DocumentRecord | undefined,
  { models, deleted }: { readonly models: readonly string[]; readonly deleted: readonly string[] },
): Decision<DocumentRecord, void> {
  if (!current) return { answer: undefined };
  const unused = current.ready.filter(({ model }) => !models.includes(model));
  const superseded = [...current.superseded, ...unused.map(({ folder }) => folder)].filter(
    (folder) => !deleted.includes(folder),
  );
  if (unused.length === 0 && superseded.length === current.superseded.length) return { answer: undefined };
  const ready = current.ready.filter(({ model }) => models.includes(model));
  return { answer: undefined, next: { ...current, ready, superseded } };
}

function note(current: DocumentRecord, { revision, at }: Read): DocumentRecord {
  return { ...current, noted: revision, readAt: at };
}

function foldersOf({ ready, pending, superseded }: DocumentRecord): string[] {
  return [...superseded, ...ready.map(({ folder }) => folder), ...(pending ? [pending.folder] : [])];
}
