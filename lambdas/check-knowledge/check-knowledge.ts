import { attemptParts } from "../domain/failed-parts.ts";
import type { TenantId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { knowledgePrefix } from "../domain/object-keys.ts";
import {
  DOCUMENT_PREFIX,
  DOCUMENT_RECORDS,
  documentKey,
  type DocumentRecord,
} from "../domain/re-index/document-record.ts";
import { needsCheck } from "../domain/re-index/document-check.ts";
import { documentIdOf, documentPlaceOf } from "../domain/re-index/document-source.ts";
import type { ReIndexPolicy } from "../domain/re-index/re-index-policy.ts";
import type { ObjectStore, Outbox, Runtime, Tenants } from "../ports.ts";
import type { CheckMessage } from "../take-documents/changes.ts";
import type { WorkloadRecords } from "../workload-records.ts";

export type CheckPorts = {
  readonly objects: ObjectStore;
  readonly tenants: Tenants;
  readonly records: WorkloadRecords;
  readonly changes: Outbox<CheckMessage>;
  readonly runtime: Runtime;
  /** Whether the stage has a vector index, in which documents are to be as well. */
  readonly inVectors: boolean;
};

/** Documents that are to be looked at, and what some tenants' failed over. */
export type Checked = { readonly checked: number; readonly failures: readonly unknown[] };

/**
 * Has every document looked at that the index does not have as it is: there before the workload was switched on, missed by
 * an event, under another model than the policy's, not in the vector index, past its time, or gone. A tenant whose documents
 * cannot be gone through holds up no other.
 */
export async function checkKnowledge(ports: CheckPorts): Promise<Checked> {
  const failures: unknown[] = [];
  const attempt = attemptParts(failures);
  let checked = 0;
  for await (const tenantId of ports.tenants.withWorkload("reIndex"))
    checked += await attempt(0, async () => {
      const policy = (await ports.tenants.get(tenantId))?.policy.workloads.reIndex;
      return policy === undefined ? 0 : checkTenant(tenantId, policy, ports);
    });
  return { checked, failures };
}

async function checkTenant(tenantId: TenantId, policy: ReIndexPolicy, ports: CheckPorts): Promise<number> {
  const { objects, records, changes, runtime, inVectors } = ports;
  const indexing = { model: policy.model, inVectors };
  const known = new Map<string, DocumentRecord>();
  const { pk } = documentKey(tenantId, "");
  for await (const record of records.list(DOCUMENT_RECORDS, pk, DOCUMENT_PREFIX))
    known.set(record.documentId, record);
  const written = new Map<string, Instant>();
  for await (const { key, writtenAt } of objects.list(knowledgePrefix(tenantId))) {
    const source = documentPlaceOf(key)?.source;
    if (source !== undefined) written.set(source, writtenAt);
  }
  const sources = new Set([...written.keys(), ...[...known.values()].map(({ source }) => source)]);
  const messages = [...sources].flatMap((source): CheckMessage[] => {
    const record = known.get(documentIdOf(source));
    return needsCheck(record, written.get(source), indexing, runtime.now())
      ? [{ version: 1, check: { tenantId, source } }]
      : [];
  });
  await changes.send(messages);
  return messages.length;
}
