import {
  type DeadLetter,
  deadLetterSchema,
  type Delivery,
  deliverySchema,
  type RunRequest,
  runRequestSchema,
} from "./internal-messages.ts";
import type { Tier } from "./vocabulary.ts";

/** The queue that a dead-letter queue belongs to: a job queue by its tier, one of our own, or one of a workload. */
export type LetterQueue = Tier | "runs" | "deliveries" | "workload";

/** What lies on a dead-letter queue. */
export type Letter =
  /** An admitted job whose attempts are used up. */
  | { readonly kind: "job"; readonly letter: Extract<DeadLetter, { kind: "job" }> }
  /** A message that could become no job nor be answered: the operator's. */
  | {
      readonly kind: "message";
      readonly queue: Tier;
      readonly letter: Extract<DeadLetter, { kind: "message" }>;
    }
  /** What SQS took from a job queue after too many failures, as it came. */
  | { readonly kind: "moved"; readonly queue: Tier }
  | { readonly kind: "run"; readonly request: RunRequest }
  | { readonly kind: "delivery"; readonly delivery: Delivery }
  /** What a workload could not work on, or gave up. Moved back to its queue with SQS's own redrive. */
  | { readonly kind: "workload" }
  /** Nothing that this release knows. */
  | { readonly kind: "unreadable" };

/** How often a run request or a delivery is sent again by itself; each time it had all the tries of its queue. */
const MOST_PASSES = { run: 5, delivery: 30 } as const;

/**
 * What a dead letter is. `moved`: SQS moved it there. On a job queue's that is a tenant's message, whatever it says: one
 * that is made up to look like our letter is taken for a message, and answered as such.
 */
export function readLetter(queue: LetterQueue, { body, moved }: { body: string; moved: boolean }): Letter {
  if (queue === "workload") return { kind: "workload" };
  const json = parseJson(body);
  if (queue === "runs") {
    const request = runRequestSchema.safeParse(json).data;
    return request ? { kind: "run", request } : { kind: "unreadable" };
  }
  if (queue === "deliveries") {
    const delivery = deliverySchema.safeParse(json).data;
    return delivery ? { kind: "delivery", delivery } : { kind: "unreadable" };
  }
  const letter = moved ? undefined : deadLetterSchema.safeParse(json).data;
  if (letter?.kind === "job") return { kind: "job", letter };
  if (letter?.kind === "message") return { kind: "message", queue, letter };
  return { kind: "moved", queue };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a letter is sent on without an operator: what was tried often enough, or helps nobody, stays for one. */
export function isSentOnByItself(letter: Letter): boolean {
  switch (letter.kind) {
    case "job":
    case "moved":
      return true;
    case "run":
      return (letter.request.passes ?? 0) < MOST_PASSES.run;
    case "delivery":
      return (letter.delivery.passes ?? 0) < MOST_PASSES.delivery;
    case "message":
    case "workload":
    case "unreadable":
      return false;
  }
}
