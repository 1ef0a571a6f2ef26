import type { TenantId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { knowledgePrefix, PREFIXES } from "../domain/object-keys.ts";
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

/**
 * Has every document looked at that the index does not have as it is: there before the workload was switched on, missed by
 * an event, under another model than the policy's, not in the vector index, past its time, or gone. Returns how many.
 */
export async function checkKnowledge(ports: CheckPorts): Promise<number> {
  let checked = 0;
  for (const tenantId of await tenantsOf(ports.objects)) {
    const policy = (await ports.tenants.get(tenantId))?.policy.workloads.reIndex;
    if (policy) checked += await checkTenant(tenantId, policy, ports);
  }
  return checked;
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

/** Those that have documents, and those whose documents are in an index. */
async function tenantsOf(objects: ObjectStore): Promise<ReadonlySet<TenantId>> {
  const found = new Set<TenantId>();
  for await (const { key } of objects.list(PREFIXES.knowledge)) add(documentPlaceOf(key)?.tenantId);
  const indexes = `${PREFIXES.workloads}re-index/`;
  for await (const { key } of objects.list(indexes))
    add(documentPlaceOf(`${PREFIXES.knowledge}${key.slice(indexes.length)}`)?.tenantId);
  return found;

  function add(tenantId: TenantId | undefined): void {
    if (tenantId !== undefined) found.add(tenantId);
  }
}
