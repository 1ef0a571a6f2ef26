import { LostAnswerError, NotSentError } from "../../lambdas/domain/failures.ts";
import type { DirectLane, Endpoint, Provider } from "../../lambdas/domain/vocabulary.ts";
import type { CallAnswer, DirectProvider } from "../../lambdas/ports.ts";
import type { BatchChecks } from "./batch-checks.ts";
import { type Invoice, priceOf } from "./invoice.ts";
import type { JobTries } from "./job-tries.ts";
import { answerBody, type ModelRequest, readRequest, tokensOf, withoutUsage } from "./model-answers.ts";
import { answerKind } from "./model-output.ts";
import type { ProviderFaults } from "./provider-faults.ts";
import { SECOND, type SimulationClock } from "./simulation-clock.ts";

/** After this long the gateway takes a call for lost. */
const PATIENCE = 55 * SECOND;

export type DirectServiceWorld = {
  readonly clock: SimulationClock;
  readonly faults: ProviderFaults;
  readonly invoice: Invoice;
  readonly tries: JobTries;
  readonly checks: BatchChecks;
  readonly brokeUntil: (provider: Provider) => number;
  readonly jobIdOf: (tenantId: string, key: string) => string;
};

type Call = {
  readonly request: ModelRequest;
  readonly jobId: string;
  readonly attempt: number;
  readonly what: string;
  readonly lane: DirectLane;
};

/** Flex is answered in 10 to 600 seconds, and for so many calls there is no capacity. */
const FLEX_REFUSED = 0.3;

/** A provider's ordinary API. It bills what ran, whether or not the answer arrives. */
export class ModelDirectService {
  readonly #provider: Provider;
  readonly #world: DirectServiceWorld;
  /** How often it was called. */
  calls = 0;

  constructor(provider: Provider, world: DirectServiceWorld) {
    this.#provider = provider;
    this.#world = world;
  }

  /**
   * The service as one worker calls it: which attempt a call is of, the provider cannot know, but whoever looks on can.
   * `attempts`: the latest of each job when the call was made; by the time it is sent there may be a later one.
   */
  for(attempts: ReadonlyMap<string, number>): DirectProvider {
    return {
      provider: this.#provider,
      call: async (
        endpoint: Endpoint,
        body: Readonly<Record<string, unknown>>,
        signal: AbortSignal,
        lane: DirectLane = "sync",
      ) => {
        // A worker that hung before it sent the call has given it up meanwhile.
        if (signal.aborted) throw new LostAnswerError("the call was given up before it was sent");
        const request = readRequest(endpoint, body);
        const jobId = this.#world.jobIdOf(request.tenantId, request.key);
        const attempt = attempts.get(jobId) ?? 0;
        return this.#call({ request, jobId, attempt, what: `${jobId}-${attempt}`, lane });
      },
    };
  }

  async #call(call: Call): Promise<CallAnswer> {
    const { clock, faults, checks } = this.#world;
    const { what, jobId, attempt, lane } = call;
    checks.called(what);
    this.calls += 1;
    if (faults.befalls("call never sent", what)) {
      this.#world.tries.notCounted(jobId, attempt);
      throw new NotSentError("no connection");
    }
    if (faults.befalls("call lost before it ran", what)) throw new LostAnswerError("no answer came");
    if (lane === "flex") {
      if (faults.detail("flex", what) < FLEX_REFUSED) {
        this.#world.tries.notCounted(jobId, attempt);
        return refused(429, "resource_unavailable", "no capacity for flex processing");
      }
      await clock.sleep((10 + faults.detail("flex takes", what) * 590) * SECOND);
      return this.#refusal(call) ?? this.#answer(call);
    }
    const slow = faults.befalls("call answered after most of a minute", what);
    await clock.sleep(slow ? PATIENCE - SECOND : 100 + faults.detail("takes", what) ** 3 * 20 * SECOND);
    return this.#refusal(call) ?? this.#answer(call);
  }

  #refusal({ request, jobId, attempt, what }: Call): CallAnswer | undefined {
    const { faults, clock } = this.#world;
    if (request.trouble !== "none") {
      faults.befalls("call refused with a 4xx", what);
      return refused(400, "invalid_request_error", "this request is refused");
    }
    if (faults.befalls("call failed with a 429 and retry-after", what))
      return refused(
        429,
        "rate_limit_exceeded",
        "slow down",
        1 + Math.floor(faults.detail("wait", what) * 30_000),
      );
    if (faults.befalls("call failed with a 429 without retry-after", what))
      return refused(429, "rate_limit_exceeded", "slow down");
    if (faults.befalls("call failed with a 5xx", what))
      return refused(500, "server_error", "the server had an error");
    if (faults.befalls("call refused over the key", what)) {
      this.#world.tries.notCounted(jobId, attempt);
      return refused(401, "invalid_api_key", "wrong key");
    }
    if (
      clock.now() < this.#world.brokeUntil(this.#provider) ||
      faults.befalls("call refused for want of credit", what)
    ) {
      this.#world.tries.notCounted(jobId, attempt);
      return this.#provider === "openai"
        ? refused(429, "insufficient_quota", "You exceeded your current quota")
        : refused(400, "invalid_request_error", "Your credit balance is too low");
    }
    return undefined;
  }

  #answer({ request, jobId, attempt, what, lane }: Call): CallAnswer {
    const { faults, invoice } = this.#world;
    const tokens = tokensOf(request, what);
    const body = answerBody(request, tokens, answerKind(what, faults));
    const cost = priceOf(request.model, tokens, lane === "flex" ? "batch" : "direct");
    invoice.calls.push({ tenantId: request.tenantId, jobId, attempt, cost });
    if (faults.befalls("call ran and its answer was lost", what))
      throw new LostAnswerError("the answer never came");
    const unreadable = faults.befalls("call answered without usage", what);
    return { statusCode: 200, retryAfterMs: null, body: unreadable ? withoutUsage(body) : body };
  }
}

function refused(
  statusCode: number,
  code: string,
  message: string,
  retryAfterMs: number | null = null,
): CallAnswer {
  return { statusCode, retryAfterMs, body: { type: "error", error: { code, type: code, message } } };
}
