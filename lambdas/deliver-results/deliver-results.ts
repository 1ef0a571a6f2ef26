import { MissingRecordError } from "../domain/failures.ts";
import type { TenantId } from "../domain/ids.ts";
import type { Delivery } from "../domain/internal-messages.ts";
import { jsonLines } from "../domain/jsonl.ts";
import { type ResultMessage, type StoredResult, storedResultSchema } from "../domain/result-message.ts";
import type { ObjectStore, TenantQueues, Tenants } from "../ports.ts";
import { workloadOf, type WorkloadQueues, WORKLOADS } from "../domain/workloads.ts";
import { packMessages } from "./pack-messages.ts";
import { parseStoredJson } from "../domain/stored-json.ts";

/** Where tenants' own queues are, those of the workloads, and the way to both. */
export type TenantWays = {
  readonly tenants: Tenants;
  readonly queues: TenantQueues;
  /** Without it there are none. */
  readonly workloads?: WorkloadQueues;
};

export type DeliverPorts = TenantWays & { readonly objects: ObjectStore };

type Results = AsyncIterable<ResultMessage> | Iterable<ResultMessage>;

/** Sends one delivery's results to its tenant's queue; returns how many results. At least once: a re-run sends again. */
export async function deliverResults(delivery: Delivery, ports: DeliverPorts): Promise<number> {
  return sendResults(delivery.tenantId, () => resultsOf(delivery, ports.objects), ports);
}

/**
 * Sends results to their tenant's queue, those of a workload's jobs to the workload's; returns how many. Asks for the
 * results once for each queue. Throws MissingRecordError for a tenant without a queue.
 */
export async function sendResults(
  tenantId: TenantId,
  results: () => Results,
  { tenants, queues, workloads = {} }: TenantWays,
): Promise<number> {
  const tenant = await tenants.get(tenantId);
  const own = tenant?.policy.delivery.queueUrl;
  if (tenant === undefined || own === undefined)
    throw new MissingRecordError(`tenant ${tenantId} has no results queue`);
  const policies = tenant.policy.workloads;
  const queueOf = ({ agentId }: ResultMessage) => {
    const workload = workloadOf(agentId, policies);
    return (workload && workloads[workload]) ?? own;
  };
  const others = WORKLOADS.flatMap((name) => (policies[name] && workloads[name] ? [workloads[name]] : []));
  let sent = 0;
  for (const queueUrl of [own, ...others]) {
    for await (const bodies of packMessages(those(results(), (result) => queueOf(result) === queueUrl))) {
      await queues.send(
        queueUrl,
        bodies.map(({ body }) => body),
      );
      sent += bodies.reduce((sum, { results }) => sum + results, 0);
    }
  }
  return sent;
}

async function* those(
  results: Results,
  isWanted: (result: ResultMessage) => boolean,
): AsyncGenerator<ResultMessage> {
  for await (const result of results) if (isWanted(result)) yield result;
}

async function* resultsOf(delivery: Delivery, objects: ObjectStore): AsyncGenerator<ResultMessage> {
  const { bucket } = objects;
  switch (delivery.kind) {
    case "inline":
      for (const result of delivery.results) yield { ...result, result: null };
      return;
    case "object":
      for await (const { bytes, offset, length } of jsonLines(objects.stream(delivery.key))) {
        yield { ...readResult(bytes), result: { bucket, key: delivery.key, offset, length } };
      }
      return;
    case "lines":
      for (const { offset, length } of delivery.lines) {
        const bytes = await objects.getRange(delivery.key, offset, length);
        yield { ...readResult(bytes), result: { bucket, key: delivery.key, offset, length } };
      }
  }
}

function readResult(bytes: Uint8Array): StoredResult {
  return parseStoredJson(storedResultSchema, bytes);
}
