import { MissingRecordError } from "../domain/failures.ts";
import type { TenantId } from "../domain/ids.ts";
import type { Delivery } from "../domain/internal-messages.ts";
import { jsonLines } from "../domain/jsonl.ts";
import { type ResultMessage, type StoredResult, storedResultSchema } from "../domain/result-message.ts";
import type { ObjectStore, TenantQueues, Tenants } from "../ports.ts";
import { packMessages } from "./pack-messages.ts";
import { parseStoredJson } from "../domain/stored-json.ts";

/** Where tenants' own queues are, and the way to them. */
export type TenantWays = { readonly tenants: Tenants; readonly queues: TenantQueues };

export type DeliverPorts = TenantWays & { readonly objects: ObjectStore };

/** Sends one delivery's results to its tenant's queue; returns how many results. At least once: a re-run sends again. */
export async function deliverResults(delivery: Delivery, ports: DeliverPorts): Promise<number> {
  return sendResults(delivery.tenantId, resultsOf(delivery, ports.objects), ports);
}

/** Sends results to their tenant's queue; returns how many. Throws MissingRecordError for a tenant without a queue. */
export async function sendResults(
  tenantId: TenantId,
  results: AsyncIterable<ResultMessage> | Iterable<ResultMessage>,
  { tenants, queues }: TenantWays,
): Promise<number> {
  const tenant = await tenants.get(tenantId);
  const queueUrl = tenant?.policy.delivery.queueUrl;
  if (queueUrl === undefined) throw new MissingRecordError(`tenant ${tenantId} has no results queue`);
  let sent = 0;
  for await (const bodies of packMessages(results)) {
    await queues.send(
      queueUrl,
      bodies.map(({ body }) => body),
    );
    sent += bodies.reduce((sum, { results }) => sum + results, 0);
  }
  return sent;
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
