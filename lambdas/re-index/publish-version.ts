import {
  decidePublish,
  DOCUMENT_RECORDS,
  documentKey,
  type Version,
} from "../domain/re-index/document-record.ts";
import { VERSION_FILES, versionName } from "../domain/re-index/document-source.ts";
import {
  type ChunksFile,
  type Plan,
  type PlannedChunk,
  VERSION_FIELDS,
} from "../domain/re-index/index-files.ts";
import { vectorEntries } from "../domain/re-index/vector-entry.ts";
import type { TenantId } from "../domain/ids.ts";
import { toIso } from "../domain/instant.ts";
import { type EmbeddedText, isCurrent } from "../vector-cache.ts";
import { deleteVersion } from "./delete-version.ts";
import { loadPlan } from "./load-plan.ts";
import type { ReIndexPorts } from "./re-index-ports.ts";

/**
 * `incomplete`: some of its texts have no vector yet. `standing`: somebody else published it. `outdated`: another version
 * has taken its place meanwhile.
 */
export type Publication = "published" | "incomplete" | "standing" | "outdated";

/**
 * Publishes a pending version if all its texts are embedded. Any number may try: the files and the vectors are the same,
 * and one conditional write decides. Queries see it from the next manifest on.
 */
export async function publishVersion(
  tenantId: TenantId,
  documentId: string,
  version: Version,
  ports: ReIndexPorts,
): Promise<Publication> {
  const { objects, vectorIndex } = ports;
  const { folder, model } = version;
  const plan = await loadPlan(folder, ports);
  if (!plan) return "outdated";
  const hashes = plan.chunks.map(({ hash }) => hash);
  const texts = await ports.vectors.get(tenantId, model, hashes);
  const chunks = embeddedChunks(plan, texts);
  if (!chunks) return "incomplete";
  await objects.put(`${folder}${VERSION_FILES.chunks}`, JSON.stringify(chunksFile(plan, chunks)));
  const named = {
    name: versionName(tenantId, folder),
    source: plan.source,
    textKey: `${folder}${VERSION_FILES.text}`,
  };
  await vectorIndex?.put(tenantId, model, vectorEntries(named, chunks));
  const ends = chunks.flatMap(({ effectiveUntil }) => effectiveUntil ?? []);
  const published = {
    ...version,
    chunks: chunks.length,
    effectiveUntil: ends.length === 0 ? null : Math.min(...ends),
    inVectors: vectorIndex !== undefined,
  };
  const publication = await ports.records.decide(
    DOCUMENT_RECORDS,
    documentKey(tenantId, documentId),
    (current) => decidePublish(current, published),
  );
  // Whoever deleted it may have done so before this was written.
  if (publication === "outdated") await deleteVersion(tenantId, folder, plan, ports);
  return publication;
}

type EmbeddedChunk = PlannedChunk & Omit<EmbeddedText, "hash">;

/** The plan's chunks with their vectors; undefined while one is missing, or was not current when the plan was made. */
function embeddedChunks(
  plan: Plan,
  texts: ReadonlyMap<string, EmbeddedText>,
): readonly EmbeddedChunk[] | undefined {
  const chunks = plan.chunks.flatMap((chunk) => {
    const text = texts.get(chunk.hash);
    return text && isCurrent(text, plan.at) ? [{ ...text, ...chunk }] : [];
  });
  return chunks.length < plan.chunks.length ? undefined : chunks;
}

function chunksFile({ source, model }: Plan, chunks: readonly EmbeddedChunk[]): ChunksFile {
  return {
    ...VERSION_FIELDS,
    source,
    model,
    chunks: chunks.map(({ hash, headings, offset, length, vector, effectiveUntil }) => ({
      hash,
      headings,
      offset,
      length,
      vector: Buffer.from(vector).toString("base64"),
      effectiveUntil: effectiveUntil === null ? null : toIso(effectiveUntil),
    })),
  };
}
