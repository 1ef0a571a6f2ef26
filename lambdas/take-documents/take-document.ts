import { MissingRecordError, RetryableError } from "../domain/failures.ts";
import { contentHash } from "../domain/ids.ts";
import { knowledgePrefix } from "../domain/object-keys.ts";
import {
  decideAbsence,
  decideBegin,
  decideReading,
  DOCUMENT_RECORDS,
  documentKey,
  type Version,
  versionFor,
} from "../domain/re-index/document-record.ts";
import { documentIdOf, type DocumentPlace } from "../domain/re-index/document-source.ts";
import { embeddingJobs } from "../domain/re-index/embedding-job.ts";
import { MAX_DOCUMENT_BYTES, readDocument } from "../domain/re-index/read-document.ts";
import type { ReIndexPolicy } from "../domain/re-index/re-index-policy.ts";
import { SPLITTING } from "../domain/re-index/split-document.ts";
import type { ObjectStore, Outbox } from "../ports.ts";
import { loadPlan } from "../re-index/load-plan.ts";
import { publishVersion } from "../re-index/publish-version.ts";
import type { ReIndexPorts } from "../re-index/re-index-ports.ts";
import { makeVersion } from "./make-version.ts";
import { wantedTexts } from "./wanted-texts.ts";

/** A job as the client takes it. */
export type EmbeddingJob = ReturnType<typeof embeddingJobs>[number];
export type TakePorts = ReIndexPorts & {
  readonly jobs: Outbox<EmbeddingJob>;
};

/** What became of a document. Those but `pending` and `outdated` may have changed what queries see. */
export type Taken = "pending" | "published" | "unchanged" | "removed" | "refused" | "outdated";

/**
 * Takes a document as it is now, whatever was said of it: embeds the texts that are new, publishes it where none is, and
 * takes it from the index where it is gone or cannot be read. Any number of times, in any order.
 */
export async function takeDocument(
  place: DocumentPlace,
  policy: ReIndexPolicy,
  ports: TakePorts,
): Promise<Taken> {
  const { records, runtime } = ports;
  const { tenantId, source } = place;
  const documentId = documentIdOf(source);
  const key = documentKey(tenantId, documentId);
  const { revision, record } = await records.decide(DOCUMENT_RECORDS, key, (current) =>
    decideReading(current, { documentId, source }),
  );
  const read = { revision, at: runtime.now() };
  const bytes = await readUpTo(
    ports.objects,
    `${knowledgePrefix(tenantId)}${source}`,
    MAX_DOCUMENT_BYTES + 1,
  );
  const document = bytes && readDocument(source, bytes);
  if (!document || document.kind === "refused") {
    const absence = document
      ? { state: "refused" as const, ...document.refusal }
      : { state: "removed" as const };
    const noted = await records.decide(DOCUMENT_RECORDS, key, (current) =>
      decideAbsence(current, read, absence),
    );
    return noted === "outdated" ? noted : absence.state;
  }

  const { model } = policy;
  const inVectors = ports.vectorIndex !== undefined;
  const content = contentHash(Buffer.concat([Buffer.from(`${SPLITTING}\n`), bytes]), 32);
  const wanted = { content, model, inVectors };
  const stands = versionFor(record, wanted, read.at) !== undefined;
  const made = stands
    ? null
    : await makeVersion(
        { ...place, documentId, revision, content, model, at: read.at, record },
        document,
        ports,
      );
  const begun = await records.decide(DOCUMENT_RECORDS, key, (current) =>
    decideBegin(current, read, wanted, made),
  );
  switch (begun.kind) {
    case "outdated":
      return "outdated";
    case "changed":
      throw new RetryableError(`document ${documentId} changed while it was read`);
    case "ready":
      return "unchanged";
    case "pending":
      return goOn(place, begun.version, policy, ports);
  }
}

/** Publishes a pending version, or has embedded what it lacks; jobs that were sent before run once all the same. */
async function goOn(
  { tenantId, source }: DocumentPlace,
  version: Version,
  policy: ReIndexPolicy,
  ports: TakePorts,
): Promise<Taken> {
  const documentId = documentIdOf(source);
  const publication = await publishVersion(tenantId, documentId, version, ports);
  if (publication === "standing") return "published";
  if (publication !== "incomplete") return publication;
  const plan = await loadPlan(version.folder, ports);
  if (!plan) return "outdated";
  const wanted = await wantedTexts(plan, version.folder, ports.objects);
  const { revision, model } = version;
  await ports.jobs.send(embeddingJobs({ tenantId, documentId, revision, model }, wanted, policy));
  return "pending";
}

/** The object's first bytes, `limit` at most; undefined when there is no such object. */
async function readUpTo(objects: ObjectStore, key: string, limit: number): Promise<Uint8Array | undefined> {
  const held: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of objects.stream(key)) {
      held.push(chunk);
      size += chunk.byteLength;
      if (size >= limit) break;
    }
  } catch (error) {
    if (error instanceof MissingRecordError) return undefined;
    throw error;
  }
  return Buffer.concat(held);
}
