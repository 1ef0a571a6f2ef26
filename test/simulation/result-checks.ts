import type { Delivery } from "../../lambdas/domain/internal-messages.ts";
import type { ResultMessage } from "../../lambdas/domain/result-message.ts";
import type { Outbox, TenantQueues } from "../../lambdas/ports.ts";
import type { Violations } from "./violations.ts";

export type StoredKeys = {
  readonly violations: Violations;
  readonly isStored: (key: string) => Promise<boolean>;
};

export const RESULT_FIRST = "a result is written before anything points to it";

/** The deliveries queue as its senders see it, which sees that none points to a result that is not there. */
export function watchedDeliveries(outbox: Outbox<Delivery>, stored: StoredKeys): Outbox<Delivery> {
  return {
    async send(deliveries) {
      for (const delivery of deliveries) {
        if (delivery.kind !== "inline" && !(await stored.isStored(delivery.key)))
          stored.violations.add(RESULT_FIRST, `a delivery of ${delivery.key}`, [delivery.key]);
      }
      await outbox.send(deliveries);
    },
  };
}

/** Tenants' queues, which see that what goes straight to them is stored before. */
export function watchedQueues(queues: TenantQueues, stored: StoredKeys): TenantQueues {
  return {
    async send(queueUrl, bodies) {
      for (const body of bodies) {
        const told = JSON.parse(body) as ResultMessage | { readonly results: readonly ResultMessage[] };
        for (const { result } of "results" in told ? told.results : [told])
          if (result !== null && !(await stored.isStored(result.key)))
            stored.violations.add(RESULT_FIRST, `a result at ${result.key}`, [result.key]);
      }
      await queues.send(queueUrl, bodies);
    },
  };
}
