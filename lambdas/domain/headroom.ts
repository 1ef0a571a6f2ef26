import { z } from "zod";
import type { PlannedBatch } from "./batch-record.ts";
import type { Group } from "./group.ts";
import { ownModelName } from "./prices.ts";
import type { Provider } from "./vocabulary.ts";

const limitsSchema = z.object({
  /** Estimated input tokens of an account's open batches, by model; `null` where the provider has no such limit. */
  enqueuedTokens: z.object({
    default: z.number().int().positive().nullable(),
    perModel: z.record(z.string(), z.number().int().positive()),
  }),
  /** Batches of an account planned within an hour. */
  batchesPerHour: z.number().int().positive(),
});

/** What a provider lets an account have in its batch queue, as a stage is set: no provider's interface tells it. */
export const headroomLimitsSchema = z.object({
  openai: limitsSchema,
  anthropic: limitsSchema,
} satisfies Record<Provider, typeof limitsSchema>);
export type HeadroomLimits = z.infer<typeof headroomLimitsSchema>;

/** What accounts have in their queues already. */
export type HeadroomUsed = {
  /** Estimated input tokens of open batches, by `queueKey`. */
  readonly tokens: ReadonlyMap<string, number>;
  /** Batches planned within the last hour, by account. */
  readonly batches: ReadonlyMap<string, number>;
};

export const NOTHING_USED: HeadroomUsed = { tokens: new Map(), batches: new Map() };

/** One text for each queue at a provider: an account's batches of a model and its snapshots. */
export function queueKey({ account, model }: Pick<Group, "account" | "model">): string {
  return `${account}|${ownModelName(model)}`;
}

/** The tokens that the queue of a group has room for. Infinity where there is no limit. */
export function tokensLeft(group: Group, limits: HeadroomLimits | undefined, used: HeadroomUsed): number {
  const limit = tokenLimit(group, limits);
  return Math.max(0, limit - (used.tokens.get(queueKey(group)) ?? 0));
}

/** The most tokens that the queue of a group may hold. */
export function tokenLimit({ provider, model }: Group, limits: HeadroomLimits | undefined): number {
  const { perModel = {}, default: standard = null } = limits?.[provider].enqueuedTokens ?? {};
  return perModel[ownModelName(model)] ?? standard ?? Infinity;
}

/** The batches that a group's account may still plan within this hour. */
export function batchesLeft(
  { provider, account }: Pick<Group, "provider" | "account">,
  limits: HeadroomLimits | undefined,
  used: HeadroomUsed,
): number {
  const limit = limits?.[provider].batchesPerHour ?? Infinity;
  return Math.max(0, limit - (used.batches.get(account) ?? 0));
}

/** What is used by an account's open batches and those it planned within the last hour. */
export function headroomUsed(
  accounts: readonly {
    readonly account: string;
    readonly open: Iterable<Pick<PlannedBatch, "group" | "tokens">>;
    readonly planned: number;
  }[],
): HeadroomUsed {
  const tokens = new Map<string, number>();
  const batches = new Map<string, number>();
  for (const { account, open, planned } of accounts) {
    batches.set(account, planned);
    for (const { group, tokens: own } of open) {
      const key = queueKey(group);
      tokens.set(key, (tokens.get(key) ?? 0) + own);
    }
  }
  return { tokens, batches };
}

/**
 * What a stage assumes when it says nothing. OpenAI shows each organisation its batch queue limits on a page that no
 * interface reads: 2,000,000 is what its lowest paid tier had for small models (90,000 for gpt-4o; a user's copy of that page,
 * community.openai.com/t/1028595), so it is low for most and an operator sets it. Where even that is too much, the provider
 * refuses the batch, and it comes back in halves without costing an attempt. Anthropic limits the requests in its queue, not
 * their tokens.
 */
export const DEFAULT_HEADROOM: HeadroomLimits = {
  openai: { enqueuedTokens: { default: 2_000_000, perModel: {} }, batchesPerHour: 2000 },
  anthropic: { enqueuedTokens: { default: null, perModel: {} }, batchesPerHour: 2000 },
};
