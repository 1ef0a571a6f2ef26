import { MemoryJobMap } from "../../lambdas/adapters/memory-job-map.ts";
import type { Delivery } from "../../lambdas/domain/internal-messages.ts";
import type { JobEnd, TransitionOutcome } from "../../lambdas/domain/job-state.ts";
import type { Outbox } from "../../lambdas/ports.ts";
import type { Violations } from "./violations.ts";

export type StoredKeys = {
  readonly violations: Violations;
  readonly isStored: (key: string) => Promise<boolean>;
};

const INVARIANT = "a result is written before anything points to it";

/** The job map, which sees that no end points to a result that is not there. */
export class WatchedJobMap extends MemoryJobMap {
  readonly #stored: StoredKeys;

  constructor(stored: StoredKeys) {
    super();
    this.#stored = stored;
  }

  override async end(end: JobEnd): Promise<TransitionOutcome> {
    const { key } = end.result;
    if (!(await this.#stored.isStored(key)))
      this.#stored.violations.add(INVARIANT, `${end.endedBy} ended ${end.jobId} with ${key}`, [end.jobId]);
    return super.end(end);
  }
}

/** The deliveries queue as its senders see it, with the same eye on what they send. */
export function watchedDeliveries(outbox: Outbox<Delivery>, stored: StoredKeys): Outbox<Delivery> {
  return {
    async send(deliveries) {
      for (const delivery of deliveries) {
        if (delivery.kind !== "inline" && !(await stored.isStored(delivery.key)))
          stored.violations.add(INVARIANT, `a delivery of ${delivery.key}`, [delivery.key]);
      }
      await outbox.send(deliveries);
    },
  };
}
