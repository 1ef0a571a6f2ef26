import { contentHash } from "./ids.ts";
import { utcDate } from "./instant.ts";
import type { JobHeader } from "./job-record.ts";
import { LEDGER_ENTRY_VERSION, type LedgerEntry } from "./ledger-entry.ts";
import type { Charge } from "./settle-line.ts";
import { addUsage, NO_USAGE, type TokenUsage } from "./usage.ts";
import type { Lane } from "./vocabulary.ts";

/** An answer that was or may have been billed, and whether it became its job's result. */
export type ChargedAnswer = {
  readonly job: JobHeader;
  readonly charge: Charge;
  readonly won: boolean;
  /** Whether its job was moved to a faster lane and ended there: then all of it was spent on top of that. */
  readonly isPremium?: boolean;
};

type Tags = Pick<LedgerEntry, "tenantId" | "vertical" | "agentId" | "taskType" | "provider" | "model">;

function tagsOf(job: JobHeader): Tags {
  const { tenantId, vertical, agentId, taskType, group } = job;
  return { tenantId, vertical, agentId, taskType, provider: group.provider, model: group.model };
}

type PartSum = {
  readonly tags: Tags;
  readonly hash: string;
  readonly confirmed: boolean;
  readonly jobs: number;
  readonly answers: number;
  readonly usage: TokenUsage;
  readonly cost: bigint;
  readonly sync: bigint;
  readonly premium: bigint;
  /** With the default models of aliases; what named no alias at its own model's price. Undefined while nothing did. */
  readonly defaults: bigint | undefined;
};

/**
 * The ledger entries of one part: one per tenant, vertical, agent, task type and model that the part has billed answers
 * of, and one more where there are answers of which nobody can tell what they cost (`unconfirmed`). Their keys say what they charge for and their date is the provider's, so that every re-run writes the same.
 */
export function partLedgerEntries(
  answers: readonly ChargedAnswer[],
  part: {
    readonly batchId: string;
    readonly generation: number;
    readonly part: number;
    readonly providerBatchId: string;
    readonly completedAt: number;
  },
): LedgerEntry[] {
  const sums = new Map<string, PartSum>();
  for (const { job, charge, won, isPremium = false } of answers) {
    const tags = tagsOf(job);
    const { confirmed } = charge;
    const key = JSON.stringify([tags.tenantId, tags.vertical, tags.agentId, tags.taskType, tags.model]);
    const sum = sums.get(`${confirmed} ${key}`) ?? {
      tags,
      hash: contentHash(key, 16),
      confirmed,
      jobs: 0,
      answers: 0,
      usage: NO_USAGE,
      cost: 0n,
      sync: 0n,
      premium: 0n,
      defaults: undefined,
    };
    const defaults = charge.defaultModelCost ?? (sum.defaults === undefined ? undefined : charge.syncCost);
    sums.set(`${confirmed} ${key}`, {
      ...sum,
      jobs: sum.jobs + (won ? 1 : 0),
      answers: sum.answers + (confirmed ? 1 : 0),
      usage: addUsage(sum.usage, charge.usage),
      cost: sum.cost + charge.cost,
      sync: sum.sync + charge.syncCost,
      premium: sum.premium + (isPremium ? charge.cost : 0n),
      // All that came before the first alias was at its own model's price.
      defaults: defaults === undefined ? undefined : (sum.defaults ?? sum.sync) + defaults,
    });
  }
  const date = utcDate(part.completedAt);
  return [...sums.values()].map((sum) => ({
    version: LEDGER_ENTRY_VERSION,
    ...sum.tags,
    entryId: `${date}#${part.batchId}#g${part.generation}#p${part.part}#${sum.hash}${sum.confirmed ? "" : "#unconfirmed"}`,
    kind: sum.confirmed ? "batch" : "unconfirmed",
    date,
    lane: "batch",
    batchId: part.batchId,
    providerBatchId: part.providerBatchId,
    jobs: sum.jobs,
    answers: sum.answers,
    usage: sum.usage,
    costPicoUsd: sum.cost.toString(),
    syncCostPicoUsd: sum.sync.toString(),
    ...premiumOf(sum.premium),
    ...(sum.defaults !== undefined && { defaultModelCostPicoUsd: sum.defaults.toString() }),
  }));
}

function premiumOf(premium: bigint): Pick<LedgerEntry, "premiumPicoUsd"> {
  return premium === 0n ? {} : { premiumPicoUsd: premium.toString() };
}

/** The entry of one direct call: billed, or `unconfirmed` with an estimate when its answer never came. */
export function directLedgerEntry(
  kind: "direct" | "unconfirmed",
  call: {
    readonly job: JobHeader;
    readonly attempt: number;
    readonly lane: Lane;
    readonly charge: Charge;
    readonly at: number;
    /** Whether the answer became its job's result. */
    readonly won: boolean;
    /** Of its cost, what was spent on top of the job's planned lane. */
    readonly premium?: bigint;
  },
): LedgerEntry {
  const date = utcDate(call.at);
  return {
    version: LEDGER_ENTRY_VERSION,
    ...tagsOf(call.job),
    entryId: `${date}#${kind}#${call.job.jobId}#${call.attempt}`,
    kind,
    date,
    lane: call.lane,
    batchId: null,
    providerBatchId: null,
    jobs: call.won ? 1 : 0,
    answers: kind === "direct" ? 1 : 0,
    usage: call.charge.usage,
    costPicoUsd: call.charge.cost.toString(),
    syncCostPicoUsd: call.charge.syncCost.toString(),
    ...premiumOf(call.premium ?? 0n),
    ...(call.charge.defaultModelCost !== undefined && {
      defaultModelCostPicoUsd: call.charge.defaultModelCost.toString(),
    }),
  };
}
