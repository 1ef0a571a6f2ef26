import type { z } from "zod";
import type { BatchRecord } from "../domain/batch-record.ts";
import { MissingRecordError } from "../domain/failures.ts";
import { manifestEntrySchema } from "../domain/job-record.ts";
import { jsonLines, lineText } from "../domain/jsonl.ts";
import { manifestKeyOf } from "../domain/orphans.ts";
import { readOutputLine } from "../domain/output-line.ts";
import { BatchExpectation } from "../domain/reconciliation.ts";
import { settlementPlanSchema } from "../domain/settlement-plan.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { ObjectStore } from "../ports.ts";

/** All that is taken from the settlement plan: what it says of each line is what is to be checked. */
const collectionSchema = settlementPlanSchema.pick({ providerBatchId: true, completedAt: true, parts: true });
type Collection = z.infer<typeof collectionSchema>;

/**
 * Reads a collected batch's manifest and every line that the provider left of it. Of the settlement plan only when
 * the batch ended and where its lines lie: which of them count is decided anew. Throws MissingRecordError when
 * something of it is not there.
 */
export async function expectBatch(
  { plan, settlementKey, ...record }: BatchRecord,
  objects: ObjectStore,
): Promise<BatchExpectation> {
  if (settlementKey === null) throw new MissingRecordError(`batch ${plan.batchId} was closed unsettled`);
  const collection = await readCollection(settlementKey, objects);
  const { completedAt } = collection;
  const providerBatchId = record.providerBatchId ?? collection.providerBatchId;
  const { batchId, prices, group } = plan;
  const expected = new BatchExpectation({ batchId, prices, providerBatchId, completedAt });
  for await (const { bytes } of jsonLines(objects.stream(manifestKeyOf(plan))))
    expected.request(parseStoredJson(manifestEntrySchema, bytes));
  for (const key of collectedObjects(collection)) {
    for await (const line of jsonLines(objects.stream(key)))
      expected.line(readOutputLine(group.provider, lineText(line)));
  }
  return expected;
}

async function readCollection(key: string, objects: ObjectStore): Promise<Collection> {
  const bytes = await objects.get(key);
  if (bytes === undefined) throw new MissingRecordError(`${key} is missing`);
  return parseStoredJson(collectionSchema, bytes);
}

/** The objects with the provider's lines, in the order in which they were collected. */
function collectedObjects({ parts }: Collection): ReadonlySet<string> {
  return new Set(parts.flatMap((part) => (part.kind === "lines" ? [part.key] : [])));
}
