import { LostAnswerError, NotSentError } from "../../lambdas/domain/failures.ts";
import type { Endpoint, Provider } from "../../lambdas/domain/vocabulary.ts";
import type { CallAnswer, DirectProvider } from "../../lambdas/ports.ts";
import { type Invoice, priceOf } from "./invoice.ts";
import type { JobTries } from "./job-tries.ts";
import { answerBody, type ModelRequest, readRequest, tokensOf, withoutUsage } from "./model-answers.ts";
import { answerKind } from "./model-output.ts";
import type { ProviderFaults } from "./provider-faults.ts";
import { SECOND, type SimulationClock } from "./simulation-clock.ts";
import type { Violations } from "./violations.ts";
import type { Worker } from "./worker.ts";

/** After this long the gateway takes a call for lost. */
const PATIENCE = 55 * SECOND;

export type DirectServiceWorld = {
  readonly clock: SimulationClock;
  readonly faults: ProviderFaults;
  readonly invoice: Invoice;
  readonly tries: JobTries;
  readonly violations: Violations;
  readonly brokeUntil: (provider: Provider) => number;
  readonly jobIdOf: (tenantId: string, key: string) => string;
};

type Call = {
  readonly request: ModelRequest;
  readonly jobId: string;
  readonly attempt: number;
  readonly what: string;
};

/** A provider's ordinary API. It bills what ran, whether or not the answer arrives. */
export class ModelDirectService {
  readonly #provider: Provider;
  readonly #world: DirectServiceWorld;
  readonly #called = new Set<string>();

  constructor(provider: Provider, world: DirectServiceWorld) {
    this.#provider = provider;
    this.#world = world;
  }

  /** The service as one worker calls it: which attempt a call is of, the provider cannot know, but whoever looks on can. */
  for(worker: Worker): DirectProvider {
    return {
      provider: this.#provider,
      call: async (endpoint: Endpoint, body: Readonly<Record<string, unknown>>) => {
        const request = readRequest(endpoint, body);
        const jobId = this.#world.jobIdOf(request.tenantId, request.key);
        const attempt = worker.attempts.get(jobId) ?? 0;
        return this.#call({ request, jobId, attempt, what: `${jobId}-${attempt}` });
      },
    };
  }

  async #call(call: Call): Promise<CallAnswer> {
    const { clock, faults, violations } = this.#world;
    const { what, jobId, attempt } = call;
    if (this.#called.has(what))
      violations.add("an attempt is sent once", `${what} was called twice`, [jobId]);
    this.#called.add(what);
    if (faults.befalls("call never sent", what)) {
      this.#world.tries.notCounted(jobId, attempt);
      throw new NotSentError("no connection");
    }
    if (faults.befalls("call lost before it ran", what)) throw new LostAnswerError("no answer came");
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

  #answer({ request, jobId, attempt, what }: Call): CallAnswer {
    const { faults, invoice } = this.#world;
    const tokens = tokensOf(request, what);
    const body = answerBody(request, tokens, answerKind(what, faults));
    const cost = priceOf(request.model, tokens, "direct");
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
