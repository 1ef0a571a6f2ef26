import { MissingRecordError } from "../domain/failures.ts";
import type { Delivery } from "../domain/internal-messages.ts";
import { jsonLines } from "../domain/jsonl.ts";
import { type ResultMessage, type StoredResult, storedResultSchema } from "../domain/result-message.ts";
import type { ObjectStore, TenantQueues, Tenants } from "../ports.ts";
import { packMessages } from "./pack-messages.ts";
import { parseStoredJson } from "../domain/stored-json.ts";

export type DeliverPorts = {
  readonly objects: ObjectStore;
  readonly tenants: Tenants;
  readonly queues: TenantQueues;
};

/** Sends one delivery's results to its tenant's queue; returns how many results. At least once: a re-run sends again. */
export async function deliverResults(delivery: Delivery, ports: DeliverPorts): Promise<number> {
  const tenant = await ports.tenants.get(delivery.tenantId);
  const queueUrl = tenant?.policy.delivery.queueUrl;
  if (queueUrl === undefined)
    throw new MissingRecordError(`tenant ${delivery.tenantId} has no results queue`);
  let sent = 0;
  for await (const bodies of packMessages(resultsOf(delivery, ports.objects))) {
    await ports.queues.send(
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
