import { contentHash } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { DocumentRecord, Version } from "../domain/re-index/document-record.ts";
import { type DocumentPlace, VERSION_FILES, versionFolder } from "../domain/re-index/document-source.ts";
import {
  chunksFileSchema,
  type Plan,
  type PlannedChunk,
  VERSION_FIELDS,
} from "../domain/re-index/index-files.ts";
import type { ReadDocument } from "../domain/re-index/read-document.ts";
import { type Chunk, splitDocument } from "../domain/re-index/split-document.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { ReIndexPorts } from "../re-index/re-index-ports.ts";
import { isCurrent } from "../vector-cache.ts";

type Reading = DocumentPlace & {
  readonly documentId: string;
  readonly revision: number;
  readonly content: string;
  readonly model: string;
  /** When the reading began. */
  readonly at: Instant;
  /** The document as it was known before. */
  readonly record: DocumentRecord;
};

/** Splits a document and lays down its text and its plan: which chunks it has, and which of them are to be embedded. */
export async function makeVersion(
  reading: Reading,
  document: Extract<ReadDocument, { readonly kind: "text" }>,
  ports: ReIndexPorts,
): Promise<Version> {
  const { tenantId, source, documentId, revision, content, model, at } = reading;
  const chunks = await splitDocument(document.text, document.hasHeadings);
  const known = await knownTexts(reading, chunks, ports);
  const wanted = [...new Set(chunks.map(({ hash }) => hash))].filter((hash) => !known.has(hash));
  const { text, planned } = layOut(chunks);
  const plan: Plan = { ...VERSION_FIELDS, source, model, at, chunks: planned, wanted };
  const json = JSON.stringify(plan);
  const folder = versionFolder(tenantId, documentId, revision, contentHash(json, 16));
  await ports.objects.put(`${folder}${VERSION_FILES.text}`, text);
  await ports.objects.put(`${folder}${VERSION_FILES.plan}`, json);
  return { revision, folder, content, model };
}

/**
 * The hashes that have a current vector. Those that only the published version still has are kept for longer again, so
 * that the new one finds them.
 */
async function knownTexts(
  { tenantId, model, at, record }: Reading,
  chunks: readonly Chunk[],
  { vectors, objects, runtime }: ReIndexPorts,
): Promise<ReadonlySet<string>> {
  const hashes = new Set(chunks.map(({ hash }) => hash));
  const kept = [...(await vectors.get(tenantId, model, [...hashes])).values()];
  const known = new Set(kept.filter((text) => isCurrent(text, at)).map(({ hash }) => hash));
  const published = record.ready.find((version) => version.model === model);
  const bytes = published && (await objects.get(`${published.folder}${VERSION_FILES.chunks}`));
  if (!bytes) return known;
  const saved = parseStoredJson(chunksFileSchema, bytes)
    .chunks.filter(({ hash }) => hashes.has(hash) && !known.has(hash))
    .map(({ hash, vector, effectiveUntil }) => ({
      hash,
      vector: Buffer.from(vector, "base64"),
      effectiveUntil: effectiveUntil === null ? null : Date.parse(effectiveUntil),
    }))
    .filter((text) => isCurrent(text, at));
  await vectors.put(tenantId, model, saved, runtime.now());
  return new Set([...known, ...saved.map(({ hash }) => hash)]);
}

/** The chunks' texts one after the other, and where each lies. */
function layOut(chunks: readonly Chunk[]): { readonly text: string; readonly planned: PlannedChunk[] } {
  let offset = 0;
  const planned = chunks.map(({ hash, headings, text }) => {
    const length = Buffer.byteLength(text);
    const chunk = { hash, headings: [...headings], offset, length };
    offset += length + 1;
    return chunk;
  });
  return { text: chunks.map(({ text }) => `${text}\n`).join(""), planned };
}
