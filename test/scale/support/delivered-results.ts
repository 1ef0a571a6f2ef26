import { z } from "zod";
import { type ResultMessage, resultEnvelopeSchema } from "../../../lambdas/domain/result-message.ts";
import type { TenantQueues } from "../../../lambdas/ports.ts";
import { checkMessageSize } from "../../../lambdas/adapters/sqs-message-size.ts";
import { markOf } from "./sample-jobs.ts";

const QUEUES = "https://sqs.test/";

export function queueUrlOf(tenantId: string): string {
  return `${QUEUES}${tenantId}`;
}

/** What is kept of a result that came to a tenant's queue. */
export type Delivered = {
  readonly tenantId: string;
  readonly status: string;
  readonly attempts: number;
  readonly picoUsd: bigint;
  /** How often it came. */
  readonly times: number;
};

const completionSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).length(1),
});

/** The tenants' queues, read as soon as something comes: they keep who got what, not the answers. */
export class DeliveredResults implements TenantQueues {
  /** By job id. */
  readonly results = new Map<string, Delivered>();
  /** What no tenant should have seen. */
  readonly strange: string[] = [];

  async send(queueUrl: string, bodies: readonly string[]): Promise<void> {
    for (const body of bodies) {
      checkMessageSize({ body });
      const envelope = resultEnvelopeSchema.parse(JSON.parse(body));
      for (const result of "results" in envelope ? envelope.results : [envelope])
        this.#take(queueUrl.slice(QUEUES.length), result);
    }
  }

  #take(tenantId: string, result: ResultMessage): void {
    const { jobId, status, attempts, costPicoUsd } = result;
    const times = (this.results.get(jobId ?? "")?.times ?? 0) + 1;
    this.results.set(jobId ?? "", { tenantId, status, attempts, picoUsd: BigInt(costPicoUsd), times });
    if (result.tenantId !== tenantId || !isOwnAnswer(tenantId, result))
      this.strange.push(`${tenantId}: ${jobId} of ${result.tenantId}`);
  }
}

/** Whether an answer names the prompt that it answers; a failure has no answer. */
function isOwnAnswer(tenantId: string, { status, response, idempotencyKey }: ResultMessage): boolean {
  if (status !== "succeeded") return response === null;
  const content = completionSchema.parse(response).choices[0]?.message.content ?? "";
  return content.startsWith(markOf(tenantId, idempotencyKey ?? ""));
}
