import type { Access } from "./permissions.ts";
import { arnWildcard, wildcard } from "./wildcard.ts";

/**
 * `throttle` and `fail-before`: nothing is done, the service's own error is answered.
 * `fail-after`: it is done, and the answer is lost: the connection closes without one.
 * `unprocessed`: a batch is done by half, and the rest is answered as not processed (other operations are unharmed).
 */
export type FaultKind = "throttle" | "fail-before" | "fail-after" | "unprocessed";

export interface Fault {
  readonly kind: FaultKind;
  /** IAM action or API operation, with wildcards: `dynamodb:PutItem`, `sqs:SendMessageBatch`, `s3:*`. */
  readonly action: string;
  /** ARN with wildcards; any resource when left out. */
  readonly resource?: string;
  /** Only the calls of this role; everyone's when left out. */
  readonly roleName?: string;
  /** The next n requests that match, or each with a probability from 0 to 1 by a seeded draw. */
  readonly when: { readonly next: number } | { readonly rate: number; readonly seed: number };
}

/** What a fault is matched against. */
export interface FaultTarget {
  readonly operation: string;
  readonly accesses: readonly Access[];
  readonly roleName: string | null;
  readonly canRunPartly: boolean;
}

interface ArmedFault {
  readonly kind: FaultKind;
  matches(target: FaultTarget): boolean;
  /** Whether it strikes now. Called once for each match. */
  draw(): boolean;
}

/** The faults that are armed, in the order they were added: the first that strikes is the one. */
export class FaultPlan {
  readonly #armed = new Set<ArmedFault>();

  /** Arms a fault. Returns the function that disarms it. */
  add(fault: Fault): () => void {
    const armed = arm(fault);
    this.#armed.add(armed);
    return () => {
      this.#armed.delete(armed);
    };
  }

  strike(target: FaultTarget): FaultKind | null {
    for (const fault of this.#armed) if (fault.matches(target) && fault.draw()) return fault.kind;
    return null;
  }
}

function arm(fault: Fault): ArmedFault {
  const matchesAction = wildcard(fault.action, { ignoreCase: true });
  const matchesResource = arnWildcard(fault.resource ?? "*");
  return {
    kind: fault.kind,
    matches: ({ operation, accesses, roleName, canRunPartly }) =>
      (fault.kind !== "unprocessed" || canRunPartly) &&
      (fault.roleName === undefined || fault.roleName === roleName) &&
      accesses.some(
        ({ action, resource }) =>
          (matchesAction(action) || matchesAction(operation)) && matchesResource(resource),
      ),
    draw: "next" in fault.when ? countdown(fault.when.next) : draws(fault.when.rate, fault.when.seed),
  };
}

function countdown(times: number): () => boolean {
  let left = times;
  return () => left-- > 0;
}

/** Repeatable draws: a linear congruential generator (the constants of Numerical Recipes) mod 2³². */
function draws(rate: number, seed: number): () => boolean {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 < rate;
  };
}
