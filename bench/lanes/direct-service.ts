import { LostAnswerError } from "../../lambdas/domain/failures.ts";
import type { DirectLane, Endpoint } from "../../lambdas/domain/vocabulary.ts";
import type { CallAnswer, DirectProvider } from "../../lambdas/ports.ts";
import { HOUR, MINUTE, type SimulationClock } from "../../test/simulation/simulation-clock.ts";
import { Allowance } from "./allowance.ts";
import { answerBody } from "./answer.ts";
import { type Fate, FLEX_LOAD, SYNC_LOAD } from "./scenarios.ts";
import { TokenBucket } from "./token-bucket.ts";

/** OpenAI's ordinary API in a scenario: sync within its rate limit, flex while there is capacity. */
export class DirectService implements DirectProvider {
  readonly provider = "openai";
  readonly #clock: SimulationClock;
  readonly #fate: Fate;
  readonly #sync: TokenBucket;
  readonly #flex: Allowance;
  /** Calls that were answered, and so billed, by lane. */
  readonly billed = { sync: 0, flex: 0 };
  readonly refused = { sync: 0, flex: 0 };
  #calls = { sync: 0, flex: 0 };

  /** `load`: jobs in a millisecond, on average. */
  constructor(clock: SimulationClock, fate: Fate, load: number) {
    this.#clock = clock;
    this.#fate = fate;
    this.#sync = new TokenBucket(SYNC_LOAD * load, MINUTE);
    this.#flex = new Allowance(FLEX_LOAD * load, HOUR);
  }

  async call(
    _endpoint: Endpoint,
    _body: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    lane: DirectLane = "sync",
  ): Promise<CallAnswer> {
    const nth = (this.#calls[lane] += 1);
    const now = this.#clock.now();
    const ms = lane === "sync" ? this.#fate.syncMs(nth) : this.#fate.flexMs(nth);
    const allowance = lane === "sync" ? this.#sync : this.#flex;
    if (ms === null || !allowance.take(now)) {
      this.refused[lane] += 1;
      return lane === "sync"
        ? refusal("rate_limit_exceeded", allowance.waitMs(now))
        : refusal("resource_unavailable", null);
    }
    try {
      await this.#clock.sleep(ms, signal);
    } catch (cause) {
      // What was cut off ran all the same.
      this.billed[lane] += 1;
      throw new LostAnswerError("the call was cut off", { cause });
    }
    this.billed[lane] += 1;
    const left = {
      requests: this.#sync.left(this.#clock.now()),
      limit: this.#sync.limit,
      resetMs: this.#sync.wholeMs(this.#clock.now()),
    };
    return {
      statusCode: 200,
      body: answerBody(lane === "flex" ? "flex" : "default"),
      retryAfterMs: null,
      ...(lane === "sync" && { allowance: left }),
    };
  }
}

function refusal(code: string, retryAfterMs: number | null): CallAnswer {
  return { statusCode: 429, retryAfterMs, body: { error: { code, type: code, message: "no capacity" } } };
}
