import { hashed, Random } from "../../test/simulation/random.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../test/simulation/simulation-clock.ts";

/** How the providers behave: all that every strategy meets alike. */
export type Scenario = {
  readonly name: string;
  readonly title: string;
  /** Milliseconds a batch takes that is created in a window, from two numbers between 0 and 1. */
  readonly batchMs: (draw: number, slow: number) => number;
  /** Hours for which the batch service is out once, at a time that the seed decides. */
  readonly outageHours: number;
};

/** Standard normal quantile of 0.9: half of a log-normal is below its median, this many sigmas above it 90 %. */
const Z90 = 1.281_552;
const Z99 = 2.326_348;

const MEDIAN_BATCH = 7 * MINUTE;
const BATCH_SIGMA = Math.log((60 * MINUTE) / MEDIAN_BATCH) / Z90;
const MEDIAN_SYNC = 2 * SECOND;
const SYNC_SIGMA = Math.log((4 * SECOND) / MEDIAN_SYNC) / Z99;
/** In the heavy-tailed scenario, one batch in so many takes a part of a day. */
const SLOW_SHARE = 0.1;

const logNormal = (draw: number) => MEDIAN_BATCH * Math.exp(BATCH_SIGMA * normalQuantile(draw));

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "a",
    title: "quick batches (2 to 10 min)",
    batchMs: (draw) => (2 + 8 * draw) * MINUTE,
    outageHours: 0,
  },
  {
    name: "b",
    title: "log-normal batches (median 7 min, 90 % within 1 h)",
    batchMs: logNormal,
    outageHours: 0,
  },
  {
    name: "c",
    title: "as (b), but 1 batch in 10 takes 1 to 24 h",
    batchMs: (draw, slow) => (slow < SLOW_SHARE ? (1 + 23 * (slow / SLOW_SHARE)) * HOUR : logNormal(draw)),
    outageHours: 0,
  },
  { name: "d", title: "as (b), with an outage of 6 h", batchMs: logNormal, outageHours: 6 },
];

/** One seed's providers in a scenario: the same question gives the same answer, whoever asks. */
export class Fate {
  readonly #seed: number;
  readonly #scenario: Scenario;
  /** When the batch service is out, from and until; both 0 where it never is. */
  readonly outage: readonly [from: number, until: number];

  constructor(scenario: Scenario, seed: number, start: number, days: number) {
    this.#seed = seed;
    this.#scenario = scenario;
    const from = start + (0.2 + 0.6 * new Random(seed).stream("outage").next()) * days * DAY;
    this.outage = scenario.outageHours === 0 ? [0, 0] : [from, from + scenario.outageHours * HOUR];
  }

  /** When a batch that is created at `at`, as the `nth` of its five minutes, is done. During an outage nothing is. */
  batchDone(at: number, nth: number): number {
    const slot = `${Math.floor(at / (5 * MINUTE))} ${nth}`;
    const ms = this.#scenario.batchMs(
      hashed(this.#seed, `batch ${slot}`),
      hashed(this.#seed, `slow ${slot}`),
    );
    const [from, until] = this.outage;
    const begun = at >= from && at < until ? until : at;
    return begun < from && begun + ms > from ? begun + ms + (until - from) : begun + ms;
  }

  isOut(at: number): boolean {
    return at >= this.outage[0] && at < this.outage[1];
  }

  /** Milliseconds that the `nth` sync call takes. */
  syncMs(nth: number): number {
    return MEDIAN_SYNC * Math.exp(SYNC_SIGMA * normalQuantile(hashed(this.#seed, "sync", nth)));
  }

  /** Milliseconds that the `nth` flex call takes; null when it is refused for want of capacity. */
  flexMs(nth: number): number | null {
    if (hashed(this.#seed, "flex refused", nth) < FLEX_REFUSED) return null;
    return (10 + 590 * hashed(this.#seed, "flex", nth)) * SECOND;
  }

  /** Milliseconds from a cancel to its end. OpenAI's guide says up to 10 minutes. */
  cancelMs(nth: number): number {
    return hashed(this.#seed, "cancel", nth) * 10 * MINUTE;
  }
}

const FLEX_REFUSED = 0.3;
/** Flex is refused beyond this part of the mean load, sync beyond this many times of it. */
export const FLEX_LOAD = 0.1;
export const SYNC_LOAD = 4;

/** Inverse of the standard normal distribution (Acklam's rational approximation, relative error below 1.2e-9). */
function normalQuantile(p: number): number {
  const probability = Math.min(Math.max(p, 1e-12), 1 - 1e-12);
  if (probability < 0.024_25) return tail(Math.sqrt(-2 * Math.log(probability)));
  if (probability > 1 - 0.024_25) return -tail(Math.sqrt(-2 * Math.log(1 - probability)));
  const q = probability - 0.5;
  const r = q * q;
  const above = polynomial(
    [
      -39.696_830_286_653_76, 220.946_098_424_520_5, -275.928_510_446_968_7, 138.357_751_867_269,
      -30.664_798_066_147_16, 2.506_628_277_459_239,
    ],
    r,
  );
  const below = polynomial(
    [
      -54.476_098_798_224_06, 161.585_836_858_040_9, -155.698_979_859_886_6, 66.801_311_887_719_72,
      -13.280_681_552_885_72, 1,
    ],
    r,
  );
  return (above * q) / below;
}

function tail(q: number): number {
  const above = polynomial(
    [
      -0.007_784_894_002_430_293, -0.322_396_458_041_136_5, -2.400_758_277_161_838, -2.549_732_539_343_734,
      4.374_664_141_464_968, 2.938_163_982_698_783,
    ],
    q,
  );
  const below = polynomial(
    [0.007_784_695_709_041_462, 0.322_467_129_070_039_8, 2.445_134_137_142_996, 3.754_408_661_907_416, 1],
    q,
  );
  return above / below;
}

/** Highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}
