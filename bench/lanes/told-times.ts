import { resultEnvelopeSchema } from "../../lambdas/domain/result-message.ts";
import type { TenantQueues } from "../../lambdas/ports.ts";
import type { SimulationClock } from "../../test/simulation/simulation-clock.ts";

/** When the first result of each job reached its tenant, by idempotency key, and with which status. */
export class ToldTimes implements TenantQueues {
  readonly first = new Map<
    string,
    { readonly at: number; readonly status: string; readonly lane: string | null }
  >();
  readonly #clock: SimulationClock;

  constructor(clock: SimulationClock) {
    this.#clock = clock;
  }

  async send(_queueUrl: string, bodies: readonly string[]): Promise<void> {
    for (const body of bodies) {
      const envelope = resultEnvelopeSchema.parse(JSON.parse(body));
      for (const { idempotencyKey, status, lane } of "results" in envelope ? envelope.results : [envelope])
        if (idempotencyKey !== null && !this.first.has(idempotencyKey))
          this.first.set(idempotencyKey, { at: this.#clock.now(), status, lane });
    }
  }
}
