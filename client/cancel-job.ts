import type { SQSClient } from "@aws-sdk/client-sqs";
import type { z } from "zod";
import { cancelMessageSchema } from "../lambdas/domain/job-message.ts";
import { schemaProblem } from "../lambdas/domain/schema-problem.ts";
import type { Tier } from "../lambdas/domain/vocabulary.ts";
import { toJson } from "./job-input.ts";
import type { QueueUrls } from "./queue-urls.ts";
import { type SubmitOutcome, sendCall } from "./send-call.ts";

/** Which job: the tenant, and the key it was submitted under. */
export type CancelInput = Pick<z.input<typeof cancelMessageSchema>, "tenantId"> &
  z.input<typeof cancelMessageSchema>["cancel"];

export type CancelOptions = {
  readonly sqs: SQSClient;
  /** See `queueUrlsFromOutputs`. */
  readonly queueUrls: QueueUrls;
  /** The queue to send by; `normal` by default. The job's own is best: a cancel by a quicker one may overtake the job. */
  readonly queue?: Tier;
  /** Tries for a message that SQS did not take; 5 by default. */
  readonly tries?: number;
  readonly signal?: AbortSignal;
};

/**
 * Asks for a job's end. The answer comes as a result of that job: `cancelled`, or what it had ended with before; or
 * `rejected` with the code `unknown_job` when there is no such job, or the cancel was quicker than the job. Safe to repeat.
 */
export async function cancelJob(
  { tenantId, idempotencyKey }: CancelInput,
  { sqs, queueUrls, queue = "normal", tries = 5, signal }: CancelOptions,
): Promise<SubmitOutcome> {
  const parsed = cancelMessageSchema.safeParse({ version: 1, tenantId, cancel: { idempotencyKey } });
  if (!parsed.success) return { kind: "failed", reason: schemaProblem(parsed.error) };
  const body = toJson(parsed.data);
  const entry = { tenantId, queue, body, bytes: Buffer.byteLength(body), upload: null, number: 0 };
  const call = { sqs, queueUrl: queueUrls[queue], tries, signal };
  for await (const [, outcome] of sendCall([entry], call)) return outcome;
  return { kind: "failed", reason: "not sent" };
}
