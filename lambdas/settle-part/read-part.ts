import type { PlannedBatch } from "../domain/batch-record.ts";
import { MissingRecordError } from "../domain/failures.ts";
import { type ManifestEntry, manifestEntrySchema } from "../domain/job-record.ts";
import { jsonLines, lineText, linesOf } from "../domain/jsonl.ts";
import { manifestId } from "../domain/manifest-id.ts";
import { manifestKeyOf } from "../domain/orphans.ts";
import { readOutputLine } from "../domain/output-line.ts";
import type { AttemptOutcome } from "../domain/settle-line.ts";
import type { Part, SettlementPlan } from "../domain/settlement-plan.ts";
import type { Provider } from "../domain/vocabulary.ts";
import type { ObjectStore } from "../ports.ts";
import { parseStoredJson } from "../domain/stored-json.ts";

/** One attempt that the part tells the outcome of, with all that its result needs. */
export type AttemptLine = { readonly entry: ManifestEntry; readonly outcome: AttemptOutcome };

/** The attempts of a part, in the part's order, joined with the batch's manifest. */
export async function readPart(
  plan: SettlementPlan,
  part: number,
  batch: PlannedBatch,
  objects: ObjectStore,
): Promise<AttemptLine[]> {
  const slice = plan.parts[part];
  if (slice === undefined) throw new MissingRecordError(`batch ${plan.batchId} has no part ${part}`);
  const outcomes =
    slice.kind === "lines"
      ? await lineOutcomes(slice, batch.group.provider, objects)
      : missingOutcomes(slice.customIds, plan);
  const entries = await manifestEntries(manifestKeyOf(batch), outcomes, objects);
  return [...outcomes].map(([customId, outcome]) => {
    const entry = entries.get(customId);
    if (entry === undefined)
      throw new MissingRecordError(`${customId} is not in the manifest of ${plan.batchId}`);
    return { entry, outcome };
  });
}

async function lineOutcomes(
  slice: Extract<Part, { kind: "lines" }>,
  provider: Provider,
  objects: ObjectStore,
): Promise<Map<string, AttemptOutcome>> {
  const skip = new Set(slice.skip);
  const outcomes = new Map<string, AttemptOutcome>();
  const bytes = await objects.getRange(slice.key, slice.offset, slice.length);
  let number = -1;
  for (const line of linesOf(bytes)) {
    number += 1;
    if (skip.has(number)) continue;
    const read = readOutputLine(provider, lineText(line));
    if (read.kind === "unparseable")
      throw new MissingRecordError(`${slice.key}: line ${number} counts but cannot be read`);
    outcomes.set(
      read.customId,
      read.kind === "answered" ? { kind: "answered", ...read.answer } : { kind: "failed", ...read.failure },
    );
  }
  return outcomes;
}

/** What is known of requests that no line answered: the provider's word on the row, or what befell all such. */
function missingOutcomes(customIds: readonly string[], plan: SettlementPlan): Map<string, AttemptOutcome> {
  return new Map(
    customIds.map((customId) => {
      const reason = plan.refusedRows[customId] ?? plan.missingReason;
      return [customId, { kind: "failed", ...reason }];
    }),
  );
}

/** The manifest entries of the wanted ids: one pass over the manifest, parsing only those. */
async function manifestEntries(
  manifestKey: string,
  wanted: ReadonlyMap<string, unknown>,
  objects: ObjectStore,
): Promise<Map<string, ManifestEntry>> {
  const entries = new Map<string, ManifestEntry>();
  for await (const { bytes } of jsonLines(objects.stream(manifestKey))) {
    const customId = manifestId(bytes);
    if (!wanted.has(customId)) continue;
    entries.set(customId, parseStoredJson(manifestEntrySchema, bytes));
    if (entries.size === wanted.size) break;
  }
  return entries;
}
