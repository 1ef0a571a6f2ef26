import { EventEmitter } from "node:events";
import { z } from "zod";
import type { InvocationResult } from "../../local/lambda/function-error.ts";
import type { LocalStack } from "../../local/stack/local-stack.ts";

const eventSchema = z.object({
  Records: z.array(
    z.object({
      messageId: z.string(),
      attributes: z.object({ ApproximateFirstReceiveTimestamp: z.coerce.number() }),
    }),
  ),
});

type Stack = Pick<LocalStack, "functionName" | "metrics">;

/** All jobs admitted until a time, in milliseconds since the epoch. */
export type Admitted = { readonly at: number; readonly jobs: number };

/** What the functions' events and metrics tell: when SQS gave a message out first, and how admission goes on. */
export class InvocationLog {
  readonly #received = new Map<string, number>();
  /** Tells of each admission that has ended. */
  readonly events = new EventEmitter<{ admitted: [] }>();
  readonly admissions: Admitted[] = [];

  /** Takes what the stack tells of an invocation as it begins. */
  see(stack: Stack, functionName: string, result: Promise<InvocationResult>, event: string): void {
    if (functionName === stack.functionName("RunJob")) this.#receive(event);
    // A function's lines are all read before its result is there, its metrics among them.
    else if (functionName === stack.functionName("AdmitJobs")) void result.then(() => this.#admit(stack));
  }

  /** Milliseconds since the epoch; undefined for a message that no function got. */
  receivedAt(messageId: string): number | undefined {
    return this.#received.get(messageId);
  }

  #receive(event: string): void {
    for (const { messageId, attributes } of eventSchema.parse(JSON.parse(event)).Records)
      // A redelivery has the time of the first as well.
      this.#received.set(messageId, attributes.ApproximateFirstReceiveTimestamp);
  }

  #admit(stack: Stack): void {
    this.admissions.push({ at: Date.now(), jobs: admittedJobs(stack) });
    this.events.emit("admitted");
  }
}

/** Jobs that AdmitJobs has claimed so far, by its own metric. */
export function admittedJobs(stack: Pick<LocalStack, "metrics">): number {
  return stack.metrics().get("admit-jobs/JobsAdmitted") ?? 0;
}

/**
 * Jobs admitted a second between two times. An admission takes many messages at once: what counts is the time between the
 * ends of the first and the last of them, and the jobs of all but the first. NaN when fewer than two ended.
 */
export function admittedPerSecond(admissions: readonly Admitted[], from: number, to: number): number {
  const within = admissions.filter(({ at }) => at >= from && at <= to);
  const [first, last] = [within[0], within.at(-1)];
  if (first === undefined || last === undefined || last.at === first.at) return NaN;
  return ((last.jobs - first.jobs) * 1000) / (last.at - first.at);
}
