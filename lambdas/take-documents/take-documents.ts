import pMap from "p-map";
import type { TenantId } from "../domain/ids.ts";
import type { DocumentPlace } from "../domain/re-index/document-source.ts";
import type { FailedRecord, QueueRecord } from "../runtime/queue-consumer.ts";
import { writeManifest } from "../re-index/write-manifest.ts";
import { changedDocuments } from "./changes.ts";
import { takeDocument, type Taken, type TakePorts } from "./take-document.ts";

export type TakenDocuments = {
  readonly failed: readonly FailedRecord[];
  readonly counts: Readonly<Partial<Record<Taken | "ignored", number>>>;
};

/** Most of the time of each is spent waiting for storage. */
const DOCUMENTS_AT_ONCE = 8;

/**
 * Takes the documents that messages are about, and then shows queries what has changed, once for each
 * tenant. A message fails by itself: what its documents came to is taken up again with it.
 */
export async function takeDocuments(
  messages: readonly Pick<QueueRecord, "messageId" | "body">[],
  ports: TakePorts,
): Promise<TakenDocuments> {
  const failed: FailedRecord[] = [];
  const counts: Partial<Record<Taken | "ignored", number>> = {};
  const models = new Map<TenantId, { readonly model: string; readonly messageIds: string[] }>();
  const takeMessage = async ({ messageId, body }: Pick<QueueRecord, "messageId" | "body">) => {
    try {
      for (const place of changedDocuments(body)) {
        const taken = await take(place, ports);
        counts[taken.kind] = (counts[taken.kind] ?? 0) + 1;
        if (taken.model === undefined || taken.kind === "outdated") continue;
        const tenant = models.get(place.tenantId) ?? { model: taken.model, messageIds: [] };
        tenant.messageIds.push(messageId);
        models.set(place.tenantId, tenant);
      }
    } catch (error) {
      failed.push({ messageId, error });
    }
  };
  await pMap(messages, takeMessage, { concurrency: DOCUMENTS_AT_ONCE });
  for (const [tenantId, { model, messageIds }] of models) {
    try {
      await writeManifest(tenantId, model, ports);
    } catch (error) {
      for (const messageId of new Set(messageIds)) failed.push({ messageId, error });
    }
  }
  return { failed, counts };
}

async function take(
  place: DocumentPlace,
  ports: TakePorts,
): Promise<{ readonly kind: Taken | "ignored"; readonly model?: string }> {
  const tenant = await ports.tenants.get(place.tenantId);
  const policy = tenant?.policy.workloads.reIndex;
  if (policy === undefined) return { kind: "ignored" };
  return { kind: await takeDocument(place, policy, ports), model: policy.model };
}
