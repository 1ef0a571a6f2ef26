import {
  afterAnswer,
  afterBegin,
  type CallAllowance,
  type LimitedAnswer,
  NOTHING_KNOWN,
  waitBeforeCall,
} from "../domain/call-allowance.ts";
import { ProviderBusyError } from "../domain/failures.ts";
import type { Group } from "../domain/group.ts";
import type { Instant } from "../domain/instant.ts";
import { type Tier, TIERS } from "../domain/vocabulary.ts";
import type { Runtime } from "../ports.ts";

/** A job that waits for its turn. */
type Caller = { readonly tier: Tier; readonly due: Instant };

/** Keeps the calls of one process within the rate limits that the provider tells of, for each account and model. */
export type RateGate = {
  /**
   * Waits until the caller may begin a call, and counts it as begun. Who waits goes by tier, then by due time. Returns the
   * milliseconds waited. Throws ProviderBusyError when it would be after `until`.
   */
  enter(group: Group, caller: Caller, until: Instant): Promise<number>;
  /** What the provider answered. */
  tell(group: Group, answer: LimitedAnswer): void;
  /** Whether a call could begin at once and nobody waits for one: a second call for the same answer needs no other. */
  isOpen(group: Group): boolean;
};

/** Milliseconds after which a caller looks again whether those before it have begun. */
const TURN_MS = 5;

type Gate = { known: CallAllowance; readonly waiting: Set<Caller> };

export function rateGate(runtime: Pick<Runtime, "now" | "sleep">): RateGate {
  const gates = new Map<string, Gate>();
  const gateOf = ({ account, model }: Group): Gate => {
    const key = `${account}|${model}`;
    const gate = gates.get(key) ?? { known: NOTHING_KNOWN, waiting: new Set() };
    gates.set(key, gate);
    return gate;
  };
  return {
    async enter(group, caller, until) {
      const gate = gateOf(group);
      const began = runtime.now();
      gate.waiting.add(caller);
      try {
        for (;;) {
          const now = runtime.now();
          const asked = waitBeforeCall(gate.known, caller.tier === "critical", now);
          const wait = asked === 0 && isFirst(caller, gate.waiting) ? 0 : Math.max(asked, TURN_MS);
          if (wait === 0) {
            gate.known = afterBegin(gate.known);
            return now - began;
          }
          if (now + wait > until)
            throw new ProviderBusyError(`${group.model} is not to be called for ${wait} ms`);
          await runtime.sleep(wait);
        }
      } finally {
        gate.waiting.delete(caller);
      }
    },
    tell(group, answer) {
      const gate = gateOf(group);
      gate.known = afterAnswer(gate.known, answer, runtime.now());
    },
    isOpen(group) {
      const { known, waiting } = gateOf(group);
      return waiting.size === 0 && waitBeforeCall(known, false, runtime.now()) === 0;
    },
  };
}

function isFirst(caller: Caller, waiting: ReadonlySet<Caller>): boolean {
  return ![...waiting].some((other) => other !== caller && isBefore(other, caller));
}

function isBefore(one: Caller, other: Caller): boolean {
  const byTier = TIERS.indexOf(one.tier) - TIERS.indexOf(other.tier);
  return byTier === 0 ? one.due < other.due : byTier < 0;
}
