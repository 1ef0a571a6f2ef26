import type { BatchRecord } from "../domain/batch-record.ts";
import type { BatchId, JobId, TenantId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { PicoUsd } from "../domain/money.ts";
import type { ChargeDifference } from "../domain/reconciliation.ts";
import type { JobProblem } from "../domain/settled-job.ts";

export type JobRef = { readonly tenantId: TenantId; readonly jobId: JobId };

/**
 * One thing that does not agree. `charge`: the ledger says of a tenant and its tags what the provider's lines do not.
 * `jobs`: jobs of the batch that the job map has wrong in one way; `jobs` holds the first of `count`. `unreadable`: what is
 * needed to tell is not there. `unknown-batch`: a tenant was charged for a batch that nobody registered.
 */
export type Difference =
  | ({ readonly kind: "charge"; readonly batchId: BatchId } & ChargeDifference)
  | {
      readonly kind: "jobs";
      readonly batchId: BatchId;
      readonly problem: JobProblem;
      readonly count: number;
      readonly jobs: readonly JobRef[];
    }
  | { readonly kind: "unreadable"; readonly batchId: BatchId; readonly reason: string }
  | {
      readonly kind: "unknown-batch";
      readonly batchId: string;
      readonly tenantId: TenantId;
      readonly cost: PicoUsd;
    };

/** Estimates in the ledger for answers of a batch that nobody can price: results gone, or not to be read. */
export type Unconfirmed = { readonly batchId: string; readonly tenantId: TenantId; readonly cost: PicoUsd };

export type Reconciliation = {
  /** Batches that were compared, those with differences included. */
  readonly batches: number;
  /** Batches that there was no time for. */
  readonly unreached: readonly BatchRecord[];
  /** What the compared batches must have cost, in pico-dollars. */
  readonly cost: PicoUsd;
  readonly differences: readonly Difference[];
  readonly unconfirmed: readonly Unconfirmed[];
};

/** A daily run has compared what was closed longer ago than this once before. */
const NEWLY_CLOSED_MS = 25 * 3_600_000;

/** Those that no earlier daily run can have compared when one began at `began`. */
export function newlyClosed(batches: readonly BatchRecord[], began: Instant): readonly BatchRecord[] {
  return batches.filter(({ closedAt }) => (closedAt ?? 0) > began - NEWLY_CLOSED_MS);
}

/** A difference as ids and amounts, for the log: nothing that a tenant named. */
export function loggedDifference(difference: Difference): Readonly<Record<string, unknown>> {
  const { kind, batchId } = difference;
  switch (difference.kind) {
    case "charge": {
      const { key, expected, found } = difference;
      return {
        kind,
        batchId,
        tenantId: key.tenantId,
        date: key.date,
        expectedPicoUsd: expected.cost.toString(),
        foundPicoUsd: found.cost.toString(),
        expectedAnswers: expected.answers,
        foundAnswers: found.answers,
        expectedJobs: expected.jobs,
        foundJobs: found.jobs,
      };
    }
    case "jobs": {
      const { problem, count, jobs } = difference;
      return { kind, batchId, problem, count, jobs };
    }
    case "unreadable":
      return { kind, batchId, reason: difference.reason };
    case "unknown-batch":
      return { kind, batchId, tenantId: difference.tenantId, foundPicoUsd: difference.cost.toString() };
  }
}
