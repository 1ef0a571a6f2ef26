import { hash, hashed, nthOf, Random } from "./random.ts";
import type { Tally } from "./tally.ts";

/**
 * What may befall one call of a port. `crash-before` and `crash-after`: the worker dies without or with the effect;
 * `throttle`: no effect and an error; `timeout`: the effect and an error; `half`: a part of a list's effect and an
 * error; `stall`: the worker hangs for minutes, past its lease or its own time, and then goes on.
 */
export const PORT_FAULTS = ["crash-before", "crash-after", "throttle", "timeout", "half", "stall"] as const;
export type PortFault = (typeof PORT_FAULTS)[number];

/** A method of a port as one function calls it. */
export type Site = `${string} ${string}.${string}`;

/** A site in a run: how often it was called, and what its chances are drawn from. */
type SiteState = {
  calls: number;
  readonly details: number;
  readonly chances: number;
  readonly kinds: number;
  readonly isList: boolean;
  /** The one call that is to crash, and how. */
  readonly singled: { readonly nth: number; readonly fault: "crash-before" | "crash-after" | "stall" } | null;
};

/** Methods that take a list of which a part may be done when the call fails. */
const LISTS: ReadonlySet<string> = new Set([
  "ledger.record",
  "windows.markTaken",
  "objects.delete",
  "deliveries.send",
  "runs.send",
  "inbox.delete",
]);

/** The first calls of a site in a run fail more often: what happens once a batch would hardly ever be hit otherwise. */
const EARLY_CALLS = 2;
const EARLY_CHANCE = 0.025;
/** One site in so many is singled out in a run: one of its first calls crashes or, now and then, hangs. */
const SINGLED_OUT = 1 / 7;
const SINGLED_OUT_HANGS = 0.1;
/** Sites that most runs never reach are singled out whenever they are. */
const RARE_SITES: ReadonlySet<string> = new Set([
  "ReconcileBatches ledger.entries",
  "PlanWindow runs.send",
  "SweepLeftovers batches.ownProviderBatch",
  "SweepLeftovers batches.register",
  "SweepLeftovers objects.delete",
  "SweepLeftovers objects.put",
  "RunJob deadLetters.send",
  "AdmitJobs deadLetters.send",
  "SweepLeftovers objects.stream",
  "SweepLeftovers executions.startRunBatch",
  "ReconcileBatches batches.listPlanned",
  "SweepLeftovers jobs.claim",
  "SweepLeftovers runs.send",
  "FreezeWindow runs.send",
  "PollBatch batches.recordCancel",
  "RunJob jobs.deadLetter",
  "SettlePart deadLetters.send",
  "SettlePart jobs.deadLetter",
  "SettlePart runs.send",
  "RunFlex runs.send",
  "CollectResults batches.register",
  "RetryDeadLetters deliveries.send",
  "ReconcileBatches jobs.get",
  "batches.recordRefusal",
  "batches.recordCancel",
  "batches.recordAbandoned",
  "batches.disownProviderBatch",
  "batches.restart",
  "batches.hold",
  "provider.cancel",
]);
const RARE_SINGLED_OUT = 0.95;

/** Decides for each call of a run whether a fault befalls it, by seed, site and the call's number alone. */
export class PortFaults {
  readonly #seed: number;
  readonly #tally: Tally;
  readonly #sites = new Map<Site, SiteState>();
  readonly #weights: readonly (readonly [PortFault, number])[];
  readonly #rate: number;
  /** No faults any more: what is left must come to rest. */
  calm = false;

  constructor(seed: number, without: ReadonlySet<string>, tally: Tally) {
    this.#seed = seed;
    this.#tally = tally;
    const random = new Random(seed).stream("port faults");
    // Some runs have few faults, some many, and each a mixture of its own.
    this.#rate = random.chance(0.1) ? 0 : 0.03 * random.next() ** 2.5;
    this.#weights = PORT_FAULTS.map((kind) => {
      const weight = (kind === "stall" ? 0.15 : 1) * (random.chance(0.25) ? 0 : random.next());
      return [kind, without.has(kind) ? 0 : weight] as const;
    });
    this.#without = without;
  }

  readonly #without: ReadonlySet<string>;

  /** What befalls the next call of a site; `random` is a number from 0 to 1 for the details, the same for the same call. */
  next(site: Site): { readonly fault: PortFault | null; readonly detail: number } {
    const state = this.#stateOf(site);
    const nth = state.calls;
    state.calls += 1;
    this.#tally.add("calls", site);
    const detail = nthOf(state.details, nth);
    if (this.calm) return { fault: null, detail };
    const fault = this.#decide(state, nth);
    if (fault !== null) this.#tally.add(fault, site);
    return { fault, detail };
  }

  #decide({ singled, chances, kinds, isList }: SiteState, nth: number): PortFault | null {
    if (nth === singled?.nth) return this.#without.has(singled.fault) ? null : singled.fault;
    const chance = this.#rate + (nth < EARLY_CALLS && this.#rate > 0 ? EARLY_CHANCE : 0);
    if (nthOf(chances, nth) >= chance) return null;
    const fault = weighted(this.#weights, nthOf(kinds, nth));
    return fault === "half" && !isList ? null : fault;
  }

  #stateOf(site: Site): SiteState {
    const standing = this.#sites.get(site);
    if (standing !== undefined) return standing;
    const method = site.slice(site.indexOf(" ") + 1);
    const state: SiteState = {
      calls: 0,
      details: hash(site, this.#seed),
      chances: hash(site, this.#seed ^ 0x51ed),
      kinds: hash(site, this.#seed ^ 0x77aa),
      isList: LISTS.has(method),
      singled: this.#singledOut(site, method),
    };
    this.#sites.set(site, state);
    return state;
  }

  #singledOut(site: Site, method: string): SiteState["singled"] {
    const isRare = RARE_SITES.has(method) || RARE_SITES.has(site);
    const share = isRare ? RARE_SINGLED_OUT : SINGLED_OUT;
    const draw = hashed(this.#seed ^ 0x1234, site);
    if (draw >= share) return null;
    const kind = hashed(this.#seed ^ 0x4321, site);
    const fault = kind < 0.5 ? "crash-before" : "crash-after";
    if (isRare) return { nth: 0, fault };
    // One of the first calls; the very first where there may be no other.
    return { nth: Math.floor((draw / share) * 3), fault: kind < SINGLED_OUT_HANGS ? "stall" : fault };
  }
}

function weighted(weights: readonly (readonly [PortFault, number])[], draw: number): PortFault | null {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  let left = draw * total;
  for (const [kind, weight] of weights) {
    if (left < weight) return kind;
    left -= weight;
  }
  return null;
}
