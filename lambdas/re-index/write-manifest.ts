import {
  decideTidy,
  DOCUMENT_PREFIX,
  DOCUMENT_RECORDS,
  documentKey,
  type DocumentRecord,
} from "../domain/re-index/document-record.ts";
import { manifestKey, manifestPrefix } from "../domain/re-index/document-source.ts";
import {
  decideNumber,
  decideSwitch,
  headKey,
  INDEX_HEADS,
  isComplete,
  manifestOf,
} from "../domain/re-index/index-head.ts";
import type { IndexManifest } from "../domain/re-index/index-files.ts";
import type { TenantId } from "../domain/ids.ts";
import { toIso } from "../domain/instant.ts";
import { deleteVersion } from "./delete-version.ts";
import { loadPlan } from "./load-plan.ts";
import type { ReIndexPorts } from "./re-index-ports.ts";

/**
 * Shows queries what the tenant's documents have come to: switches to `model` if all of them are ready under it, writes
 * the next manifest, and deletes what no manifest names any longer. Manifests are never written over; whoever dies in
 * between leaves a number unused, and whoever comes next writes a manifest that has all of it.
 *
 *     switch if complete ──> take a number ──> read the documents ──> PUT the manifest ──> delete what it replaces,
 *                                                                                          if no number was taken since
 */
export async function writeManifest(
  tenantId: TenantId,
  model: string,
  ports: ReIndexPorts,
): Promise<IndexManifest> {
  const { objects, records, runtime } = ports;
  const key = headKey(tenantId);
  const standing = await records.get(INDEX_HEADS, key);
  if (standing !== undefined && standing.model !== model && isComplete(await all(tenantId, ports), model))
    await records.decide(INDEX_HEADS, key, (current) => decideSwitch(current, model));
  const head = await records.decide(INDEX_HEADS, key, (current) => decideNumber(current, model));
  const documents = await all(tenantId, ports);
  const manifest = manifestOf(head, documents, toIso(runtime.now()));
  const newest = manifestKey(tenantId, head.sequence);
  await objects.put(newest, JSON.stringify(manifest));
  // Who has a higher number may have read the documents before this did, and name what is superseded here. Where nobody has
  // one, whoever takes one now reads them after this.
  const last = await records.get(INDEX_HEADS, key);
  if (last?.sequence === head.sequence) await tidy(tenantId, documents, [head.model, model], ports);
  const older: string[] = [];
  for await (const { key: other } of objects.list(manifestPrefix(tenantId)))
    if (other > newest) older.push(other);
  await objects.delete(older);
  return manifest;
}

async function all(tenantId: TenantId, { records }: ReIndexPorts): Promise<DocumentRecord[]> {
  const found: DocumentRecord[] = [];
  const { pk } = documentKey(tenantId, "");
  for await (const record of records.list(DOCUMENT_RECORDS, pk, DOCUMENT_PREFIX)) found.push(record);
  return found;
}

/** Versions first, then their names: whoever is stopped in between deletes them again. */
async function tidy(
  tenantId: TenantId,
  documents: readonly DocumentRecord[],
  models: readonly string[],
  ports: ReIndexPorts,
): Promise<void> {
  for (const { documentId, superseded, ready } of documents) {
    if (superseded.length === 0 && ready.every((version) => models.includes(version.model))) continue;
    for (const folder of superseded)
      await deleteVersion(tenantId, folder, ports.vectorIndex && (await loadPlan(folder, ports)), ports);
    await ports.records.decide(DOCUMENT_RECORDS, documentKey(tenantId, documentId), (current) =>
      decideTidy(current, { models, deleted: superseded }),
    );
  }
}
