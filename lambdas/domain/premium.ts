import { costOf } from "./cost.ts";
import type { Instant } from "./instant.ts";
import type { CallIntent } from "./job-state.ts";
import type { PicoUsd } from "./money.ts";
import { findPrice } from "./prices.ts";
import type { TokenUsage } from "./usage.ts";

/** An answer that was or may have been billed at the price of a direct lane. */
export type PaidCall = {
  readonly model: string;
  readonly usage: TokenUsage;
  readonly cost: PicoUsd;
  /** As the ledger dates it: every re-run finds the same price. */
  readonly at: Instant;
  /** Whether it became its job's result. */
  readonly won: boolean;
};

/**
 * What of a direct call was spent on top of the job's planned lane. Of an escalated job: what the result cost above the
 * batch price of its tokens, and all of any other call. Of a call that was made twice: the one that did not become the
 * result.
 */
export function directPremium(
  { model, usage, cost, at, won }: PaidCall,
  { escalated = false, hedged = false }: Pick<CallIntent, "escalated" | "hedged">,
): PicoUsd {
  if (!won) return escalated || hedged ? cost : 0n;
  const planned = escalated ? findPrice(model, "batch", at) : undefined;
  if (planned === undefined) return 0n;
  const above = cost - costOf(usage, planned);
  return above > 0n ? above : 0n;
}
