import type { ProviderBatch } from "../../../lambdas/domain/batch-record.ts";

export const NOON = Date.parse("2026-11-21T12:00:00Z");

/** A batch at work at the provider. */
export function aProviderBatch(fields: Partial<ProviderBatch> = {}): ProviderBatch {
  return {
    id: "batch_1",
    phase: "running",
    status: "in_progress",
    stage: "in-progress",
    stageSince: NOON,
    createdAt: NOON,
    endedAt: null,
    counts: { total: 2, completed: 0, failed: 0 },
    errors: [],
    inputFileId: "file-in",
    outputFileId: null,
    errorFileId: null,
    ...fields,
  };
}

/** One that ended so, with these errors. */
export function anEndedBatch(status: string, errors: ProviderBatch["errors"] = []): ProviderBatch {
  return aProviderBatch({ phase: "ended", stage: "ended", status, endedAt: NOON, errors });
}
