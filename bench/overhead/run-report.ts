import type { Distribution } from "./distribution.ts";
import { distributionOf } from "./distribution.ts";
import type { InvocationLog } from "./invocation-log.ts";
import type { MachineUse } from "./machine-use.ts";
import type { SeenAnswer, SentJob } from "./traffic-messages.ts";

/** What came of the critical jobs of one run. All times in milliseconds. */
export type RunReport = {
  readonly name: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly sent: number;
  readonly answered: number;
  readonly succeeded: number;
  readonly lost: number;
  /** From the message's first receive to the result on the tenant's queue, less the provider's time. */
  readonly fromReceive: Distribution;
  /** From just before the app called SQS; the rest as above. */
  readonly fromSend: Distribution;
  /** By how much the sender was behind its plan, at most. */
  readonly senderLateMs: number;
  readonly use: MachineUse;
};

export type Planned = { readonly name: string; readonly perSecond: number; readonly seconds: number };

/**
 * The overhead of each job is all the time until its tenant's queue has the result, less exactly the latency that the
 * simulated provider was told to take. What the provider took beyond that, its answer's making, the network and
 * every wait for a free thread or a busy emulator count as ours. Of jobs that were not answered there is no sample.
 */
export function reportOf(
  planned: Planned,
  jobs: readonly SentJob[],
  seen: {
    readonly answers: ReadonlyMap<string, SeenAnswer>;
    readonly log: InvocationLog;
    readonly providerMs: number;
    readonly use: MachineUse;
  },
): RunReport {
  const { answers, log, providerMs, use } = seen;
  const fromSend: number[] = [];
  const fromReceive: number[] = [];
  let succeeded = 0;
  for (const { key, sentAt, messageId } of jobs) {
    const answer = answers.get(key);
    if (answer === undefined) continue;
    if (answer.status === "succeeded") succeeded += 1;
    fromSend.push(answer.queuedAt - sentAt - providerMs);
    const receivedAt = messageId === null ? undefined : log.receivedAt(messageId);
    if (receivedAt !== undefined) fromReceive.push(answer.queuedAt - receivedAt - providerMs);
  }
  return {
    ...planned,
    sent: jobs.length,
    answered: fromSend.length,
    succeeded,
    lost: jobs.length - fromSend.length,
    fromReceive: distributionOf(fromReceive),
    fromSend: distributionOf(fromSend),
    senderLateMs: Math.max(0, ...jobs.map(({ lateMs }) => lateMs)),
    use,
  };
}
