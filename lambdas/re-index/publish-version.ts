import {
  decidePublish,
  DOCUMENT_RECORDS,
  documentKey,
  type Version,
} from "../domain/re-index/document-record.ts";
import { VERSION_FILES } from "../domain/re-index/document-source.ts";
import { type ChunksFile, type Plan, planSchema, VERSION_FIELDS } from "../domain/re-index/index-files.ts";
import type { TenantId } from "../domain/ids.ts";
import { toIso } from "../domain/instant.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import { type EmbeddedText, isCurrent } from "../vector-cache.ts";
import type { ReIndexPorts } from "./re-index-ports.ts";

/** `incomplete`: some of its texts have no vector yet. `outdated`: another version has taken its place meanwhile. */
export type Publication = "published" | "incomplete" | "outdated";

export async function loadPlan(folder: string, { objects }: ReIndexPorts): Promise<Plan | undefined> {
  const bytes = await objects.get(`${folder}${VERSION_FILES.plan}`);
  return bytes && parseStoredJson(planSchema, bytes);
}

/**
 * Publishes a pending version if all its texts are embedded. Any number may try: the files are the same, and one
 * conditional write decides. Queries see it from the next manifest on.
 */
export async function publishVersion(
  tenantId: TenantId,
  documentId: string,
  version: Version,
  ports: ReIndexPorts,
): Promise<Publication> {
  const plan = await loadPlan(version.folder, ports);
  if (!plan) return "outdated";
  const hashes = plan.chunks.map(({ hash }) => hash);
  const texts = await ports.vectors.get(tenantId, version.model, hashes);
  const file = chunksFileOf(plan, texts);
  if (!file) return "incomplete";
  await ports.objects.put(`${version.folder}${VERSION_FILES.chunks}`, JSON.stringify(file));
  const ends = [...texts.values()].flatMap(({ effectiveUntil }) => effectiveUntil ?? []);
  const effectiveUntil = ends.length === 0 ? null : Math.min(...ends);
  const published = { ...version, chunks: plan.chunks.length, effectiveUntil };
  return ports.records.decide(DOCUMENT_RECORDS, documentKey(tenantId, documentId), (current) =>
    decidePublish(current, published),
  );
}

function chunksFileOf(plan: Plan, texts: ReadonlyMap<string, EmbeddedText>): ChunksFile | undefined {
  const chunks = plan.chunks.flatMap((chunk) => {
    const text = texts.get(chunk.hash);
    if (!text || !isCurrent(text, plan.at)) return [];
    const effectiveUntil = text.effectiveUntil === null ? null : toIso(text.effectiveUntil);
    return [{ ...chunk, vector: Buffer.from(text.vector).toString("base64"), effectiveUntil }];
  });
  if (chunks.length < plan.chunks.length) return undefined;
  const { source, model } = plan;
  return { ...VERSION_FIELDS, source, model, chunks };
}
