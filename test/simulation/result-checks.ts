import type { Delivery } from "../../lambdas/domain/internal-messages.ts";
import type { Outbox } from "../../lambdas/ports.ts";
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
