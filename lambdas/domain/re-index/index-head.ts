import { z } from "zod";
import type { TenantId } from "../ids.ts";
import type { Decision, RecordKey, RecordKind } from "../workload-record.ts";
import type { DocumentRecord } from "./document-record.ts";
import { type IndexManifest, VERSION_FIELDS } from "./index-files.ts";
import { VERSION_FILES } from "./document-source.ts";

/** Which model a tenant's index is served under, and the number of its last manifest. */
const indexHeadSchema = z.object({
  version: z.literal(1),
  model: z.string(),
  sequence: z.int().nonnegative(),
});
export type IndexHead = z.infer<typeof indexHeadSchema>;

export const INDEX_HEADS: RecordKind<IndexHead> = { schema: indexHeadSchema, expiresAt: () => undefined };

export function headKey(tenantId: TenantId): RecordKey {
  return { pk: `KB#${tenantId}`, sk: "HEAD" };
}

/** Whether every document that can be found now is ready under the model too. */
export function isComplete(records: readonly DocumentRecord[], model: string): boolean {
  return records.every(({ ready }) => ready.length === 0 || ready.some((version) => version.model === model));
}

/** Serves the index under another model from the next manifest on. */
export function decideSwitch(current: IndexHead | undefined, model: string): Decision<IndexHead, void> {
  if (current?.model === model) return { answer: undefined };
  return { answer: undefined, next: { version: 1, sequence: current?.sequence ?? 0, model } };
}

/**
 * Takes the number of the next manifest. The documents are read after that, so that the manifest has whatever was changed
 * before: of two manifests the one of the higher number knows all that the other's writer did.
 */
export function decideNumber(current: IndexHead | undefined, model: string): Decision<IndexHead, IndexHead> {
  const next: IndexHead = {
    version: 1,
    model: current?.model ?? model,
    sequence: (current?.sequence ?? 0) + 1,
  };
  return { answer: next, next };
}

/** What a query sees: one version of each document that is ready under the model, whole or not at all. */
export function manifestOf(
  head: IndexHead,
  records: readonly DocumentRecord[],
  writtenAt: string,
): IndexManifest {
  const documents = records.flatMap((record) =>
    record.ready
      .filter(({ model }) => model === head.model)
      .map(({ folder, chunks, revision, inVectors }) => ({
        documentId: record.documentId,
        source: record.source,
        revision,
        chunks,
        key: `${folder}${VERSION_FILES.chunks}`,
        textKey: `${folder}${VERSION_FILES.text}`,
        inVectors,
      })),
  );
  const problems = records.flatMap(({ source, problem }) => (problem ? [{ source, ...problem }] : []));
  const waiting = records.filter(({ pending }) => pending !== null).length;
  const { model, sequence } = head;
  return { ...VERSION_FIELDS, model, sequence, writtenAt, documents, waiting, problems };
}
