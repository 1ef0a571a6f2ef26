import { hashed, Random } from "./random.ts";
import type { Tally } from "./tally.ts";

/**
 * Everything that the modelled providers do wrong, by the name it is counted under: the providers' own faults as they were
 * reported of them. Each must happen often enough over a full simulation.
 */
export const PROVIDER_FAULTS = {
  "stuck in validating": 0.02,
  "stuck in progress, nothing done": 0.015,
  "stuck in finalizing": 0.02,
  "finalizing ends just when it counts as stuck": 0.03,
  "expired after a day, partly done": 0.02,
  "expired after a day, nothing said of the rest": 0.06,
  "failed at validation, bad rows named": 1,
  "failed at validation, bad rows not named": 0.25,
  "failed at validation, no row named": 0.02,
  "failed at validation over a repeated id": 0.02,
  "failed at validation over mixed models": 0.015,
  "token limit exceeded after the create was answered": 0.05,
  "failed batch holds its quota for a while": 0.5,
  "input refused as too large": 0.02,
  "billing limit reached at create": 0.02,
  "billing limit reached after the create was answered": 0.015,
  "create refused without a reason": 0.015,
  "create made a batch and its answer was lost": 0.05,
  "create failed with a 5xx and made nothing": 0.03,
  "create finds the new input file missing": 0.03,
  "batch not listed at first": 0.3,
  "batch not listed for minutes": 0.06,
  "batch not found right after its creation": 0.15,
  "somebody cancels the batch at the provider": 0.015,
  "cancel comes while the batch completes": 0.9,
  "cancelling hangs and then ends, billed": 0.2,
  "cancelling never ends": 0.08,
  "every line refused over low credit": 0.03,
  "line refused over low credit": 0.004,
  "line failed with a 5xx": 0.03,
  "line failed with a 429": 0.02,
  "request that fails in every batch": 0.015,
  "line refused with a 4xx beside error null": 1,
  "every line refused over one parameter": 1,
  "line missing": 0.02,
  "line repeated": 0.03,
  "line contradicted by a failure": 0.02,
  "line contradicted by another answer": 0.02,
  "line of an unknown request": 0.08,
  "line that is not JSON": 0.08,
  "line with neither answer nor error": 0.01,
  "line answered without usage": 0.008,
  "lines out of order": 0.8,
  "last line without a line feed": 0.2,
  "output missing as every line failed": 1,
  "answer refused by the model": 0.03,
  "answer cut off": 0.03,
  "download cut in the middle": 0.1,
  "batch forgotten by the provider": 0.006,
  "account without credit for hours": 0.06,
  "results gone": 0.02,
  "results not there yet": 0.06,
  "counts stay 0 until the end": 1,
  "status call failed with a 5xx": 0.02,
  "status call failed with a 429": 0.02,
  "upload failed with a 429": 0.03,
  "somebody else's batch of the same size at that moment": 0.6,
  "foreign batch on the account": 0.25,
  "call refused with a 4xx": 1,
  "call failed with a 429 and retry-after": 0.04,
  "call failed with a 429 without retry-after": 0.04,
  "call failed with a 5xx": 0.05,
  "call refused for want of credit": 0.01,
  "call refused over the key": 0.01,
  "call never sent": 0.02,
  "call lost before it ran": 0.02,
  "call ran and its answer was lost": 0.03,
  "call answered without usage": 0.01,
  "call answered after most of a minute": 0.02,
} as const satisfies Readonly<Record<string, number>>;
export type ProviderFault = keyof typeof PROVIDER_FAULTS;

/** Faults that are the consequence of what tenants sent or of other faults: never taken away. */
const CONSEQUENCES: ReadonlySet<string> = new Set(
  Object.entries(PROVIDER_FAULTS).flatMap(([name, chance]) => (chance === 1 ? [name] : [])),
);

/** Decides by the run's seed, the fault and what it would befall; another run has another mixture of faults. */
export class ProviderFaults {
  readonly #seed: number;
  readonly #tally: Tally;
  readonly #factors: ReadonlyMap<string, number>;
  calm = false;

  constructor(seed: number, without: ReadonlySet<string>, tally: Tally) {
    this.#seed = seed ^ 0x0ddba11;
    this.#tally = tally;
    const random = new Random(seed).stream("provider faults");
    const quiet = random.chance(0.1);
    this.#factors = new Map(
      Object.keys(PROVIDER_FAULTS).map((name) => {
        const factor = random.chance(0.35) || quiet ? 0 : 2.2 * random.next() ** 2;
        return [name, without.has(name) ? 0 : factor];
      }),
    );
  }

  /** Whether the fault befalls `what` (for its `nth` time), which is counted. */
  befalls(fault: ProviderFault, what: string, nth = 0): boolean {
    const factor = CONSEQUENCES.has(fault) ? 1 : (this.#factors.get(fault) ?? 0);
    const chance = this.calm && !CONSEQUENCES.has(fault) ? 0 : PROVIDER_FAULTS[fault] * factor;
    if (hashed(this.#seed, `${fault} ${what}`, nth) >= chance) return false;
    this.#tally.add("faults", fault);
    return true;
  }

  /** A number from 0 to 1 for a detail of what befalls `what`. */
  detail(name: string, what: string): number {
    return hashed(this.#seed ^ 0x5eed, `${name} ${what}`);
  }
}
