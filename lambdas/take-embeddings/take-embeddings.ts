import type { TenantId } from "../domain/ids.ts";
import { decideFailure, DOCUMENT_RECORDS, documentKey } from "../domain/re-index/document-record.ts";
import { embeddingMetadataSchema, vectorsOf } from "../domain/re-index/embedding-job.ts";
import { resultEnvelopeSchema, type ResultMessage, storedResultSchema } from "../domain/result-message.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import { type Publication, publishVersion } from "../re-index/publish-version.ts";
import type { ReIndexPorts } from "../re-index/re-index-ports.ts";
import { writeManifest } from "../re-index/write-manifest.ts";
import type { FailedRecord, QueueRecord } from "../runtime/queue-consumer.ts";

/** What became of a job's document. `foreign`: the result is of no job that this release sends. */
type Taken = Publication | "failed" | "foreign";

export type TakenEmbeddings = {
  readonly failed: readonly FailedRecord[];
  /** Texts whose vectors came. */
  readonly embedded: number;
  readonly counts: Readonly<Partial<Record<Taken, number>>>;
};

/**
 * Takes the results of embedding jobs: keeps the vectors, publishes the versions that are complete with them, and then
 * shows queries what has changed, once for each tenant. Any number of times, in any order.
 */
export async function takeEmbeddings(
  messages: readonly Pick<QueueRecord, "messageId" | "body">[],
  ports: ReIndexPorts,
): Promise<TakenEmbeddings> {
  const failed: FailedRecord[] = [];
  const counts: Partial<Record<Taken, number>> = {};
  const changed = new Map<TenantId, Set<string>>();
  let embedded = 0;
  for (const { messageId, body } of messages) {
    try {
      const envelope = resultEnvelopeSchema.parse(JSON.parse(body));
      for (const result of "results" in envelope ? envelope.results : [envelope]) {
        const taken = await takeResult(result, ports);
        embedded += taken.embedded;
        counts[taken.kind] = (counts[taken.kind] ?? 0) + 1;
        // One that is outdated may have been published by a call of this function that was cut off since.
        if (taken.kind === "incomplete" || taken.kind === "foreign") continue;
        const messageIds = changed.get(result.tenantId) ?? new Set<string>();
        changed.set(result.tenantId, messageIds.add(messageId));
      }
    } catch (error) {
      failed.push({ messageId, error });
    }
  }
  for (const [tenantId, messageIds] of changed) {
    try {
      const tenant = await ports.tenants.get(tenantId);
      const model = tenant?.policy.workloads.reIndex?.model;
      if (model !== undefined) await writeManifest(tenantId, model, ports);
    } catch (error) {
      for (const messageId of messageIds) failed.push({ messageId, error });
    }
  }
  return { failed, embedded, counts };
}

async function takeResult(
  result: ResultMessage,
  ports: ReIndexPorts,
): Promise<{ readonly kind: Taken; readonly embedded: number }> {
  const metadata = embeddingMetadataSchema.safeParse(result.metadata);
  if (!metadata.success) return { kind: "foreign", embedded: 0 };
  const { tenantId } = result;
  const { documentId, revision, model, hashes } = metadata.data;
  const { records, vectors, runtime } = ports;
  const key = documentKey(tenantId, documentId);
  const found = vectorsOf(await responseOf(result, ports), hashes.length);
  const pending = (await records.get(DOCUMENT_RECORDS, key))?.pending;
  if (!found) {
    const { code, message } = result.error ?? {
      code: "unreadable_answer",
      message: "the provider's answer holds no vectors for these texts",
    };
    const problem = { code, message, at: runtime.now() };
    const kind = await records.decide(DOCUMENT_RECORDS, key, (current) =>
      decideFailure(current, revision, problem),
    );
    return { kind, embedded: 0 };
  }
  // What was paid for is kept even if nothing waits for it: the texts may come again.
  const effectiveUntil = result.effectiveUntil === null ? null : Date.parse(result.effectiveUntil);
  const texts = hashes.flatMap((hash, index) => {
    const vector = found[index];
    return vector ? [{ hash, vector, effectiveUntil }] : [];
  });
  await vectors.put(tenantId, model, texts, runtime.now());
  if (pending?.revision !== revision) return { kind: "outdated", embedded: texts.length };
  const kind = await publishVersion(tenantId, documentId, pending, ports);
  return { kind, embedded: texts.length };
}

/** The provider's answer, from the bucket where it was too large for the message; null when there is none. */
async function responseOf(
  { status, response, result }: ResultMessage,
  { objects }: ReIndexPorts,
): Promise<unknown> {
  if (status !== "succeeded" || response !== null || result === null) return response;
  const { key, offset, length } = result;
  return parseStoredJson(storedResultSchema, await objects.getRange(key, offset, length)).response;
}
