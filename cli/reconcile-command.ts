import { z } from "zod";
import type { BatchRecord } from "../lambdas/domain/batch-record.ts";
import { batchIdSchema } from "../lambdas/domain/ids.ts";
import { utcDate } from "../lambdas/domain/instant.ts";
import { findBatches, RECONCILABLE_MS, RECONCILED_MS } from "../lambdas/reconcile-batches/find-batches.ts";
import { reconcileBatches } from "../lambdas/reconcile-batches/reconcile-batches.ts";
import { OperatorError } from "./operator-error.ts";
import { reconciliationJson, reconciliationText } from "./reconcile-command-report.ts";
import type { Report } from "./report.ts";
import type { Stack } from "./stack.ts";

export type ReconcileOptions = {
  readonly batch?: string;
  /** A UTC day: batches planned since its beginning. By default those of the last three days. */
  readonly since?: string;
};

type Scope = { readonly closed: readonly BatchRecord[]; readonly open: number; readonly all: boolean };

/**
 * `offpeak reconcile`: works out from the provider's own lines what batches must have cost, and compares with the ledger and
 * the job map. The report has failed when anything differs. `progress` is given a line for the person who waits. Throws OperatorError for a batch that cannot be compared.
 */
export async function reconcile(
  stack: Stack,
  options: ReconcileOptions,
  now: number,
  progress: (text: string) => void,
): Promise<Report> {
  const { closed, open, all } = await scopeOf(stack, options, now);
  const reconciliation = await reconcileBatches(
    closed,
    { ...stack, runtime: { now: () => now } },
    { strangers: all, progress: (done, of) => progress(`${done} of ${of} batches read`) },
  );
  progress("");
  return {
    data: reconciliationJson(reconciliation, open),
    text: reconciliationText(reconciliation, open),
    failed: reconciliation.differences.length > 0,
  };
}

async function scopeOf(stack: Stack, { batch, since }: ReconcileOptions, now: number): Promise<Scope> {
  if (batch !== undefined && since !== undefined)
    throw new OperatorError("give --batch or --since, not both");
  if (batch !== undefined) return { closed: [await closedBatch(stack, batch, now)], open: 0, all: false };
  const from = since === undefined ? now - RECONCILED_MS : startOf(since, now);
  return { ...(await findBatches(from, now, stack.batches)), all: true };
}

async function closedBatch(stack: Stack, name: string, now: number): Promise<BatchRecord> {
  const id = batchIdSchema.safeParse(name);
  const batch = id.success ? await stack.batches.get(id.data) : undefined;
  if (batch === undefined) {
    throw new OperatorError(`there is no batch ${name}: a batch id is b- and 20 characters`);
  }
  if (batch.state !== "closed")
    throw new OperatorError(`batch ${name} is still ${batch.state}: it can be compared once it is closed`);
  if (batch.plan.plannedAt < now - RECONCILABLE_MS)
    throw new OperatorError(`batch ${name} was planned ${utcDate(batch.plan.plannedAt)}: ${TOO_LONG_AGO}`);
  return batch;
}

const TOO_LONG_AGO = "jobs and provider output are not kept long enough to compare that";

/** The beginning of a UTC day. */
function startOf(day: string, now: number): number {
  if (!z.iso.date().safeParse(day).success)
    throw new OperatorError(`--since is a day like 2026-11-21, not ${day}`);
  const start = Date.parse(`${day}T00:00:00Z`);
  if (start < now - RECONCILABLE_MS)
    throw new OperatorError(
      `--since ${day}: ${TOO_LONG_AGO}; begin at ${utcDate(now - RECONCILABLE_MS + 86_400_000)} or later`,
    );
  return start;
}
