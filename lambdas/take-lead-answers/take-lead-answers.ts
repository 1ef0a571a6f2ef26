import { resultEnvelopeSchema, type ResultMessage, storedResultSchema } from "../domain/result-message.ts";
import type { Instant } from "../domain/instant.ts";
import { decideWritten } from "../domain/lead-scoring/draft.ts";
import { draftOutcome, leadTaskSchema, scoreOutcome } from "../domain/lead-scoring/lead-jobs.ts";
import { DRAFT, LEAD_ROW, leadKeys } from "../domain/lead-scoring/lead-records.ts";
import { decideScore } from "../domain/lead-scoring/lead-row.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { ObjectStore } from "../ports.ts";
import type { WorkloadRecords } from "../workload-records.ts";

export type AnswerPorts = {
  readonly objects: Pick<ObjectStore, "getRange">;
  readonly records: WorkloadRecords;
  readonly now: () => Instant;
};

/** Results by what became of them: `known` were there before, `stray` belong to no lead that is waited for. */
export type TakenAnswers = { readonly taken: number; readonly known: number; readonly stray: number };

/** Takes one message of the workload's results queue. Throws a ZodError for a message that is none. */
export async function takeLeadAnswers(body: string, ports: AnswerPorts): Promise<TakenAnswers> {
  const envelope = resultEnvelopeSchema.parse(JSON.parse(body));
  const counts = { taken: 0, known: 0, stray: 0 };
  for (const result of "results" in envelope ? envelope.results : [envelope])
    counts[await take(result, ports)] += 1;
  return counts;
}

async function take(result: ResultMessage, ports: AnswerPorts): Promise<keyof TakenAnswers> {
  const task = leadTaskSchema.safeParse(result.metadata);
  if (!task.success) return "stray";
  const { step, day, leadId } = task.data;
  const { tenantId } = result;
  const whole = await withResponse(result, ports);
  if (step === "score") {
    const outcome = scoreOutcome(whole);
    return ports.records.decide(LEAD_ROW, leadKeys.lead(tenantId, day, leadId), (current) =>
      decideScore(current, outcome, ports.now()),
    );
  }
  const outcome = draftOutcome(whole);
  const { moved, draft } = await ports.records.decide(
    DRAFT,
    leadKeys.draft(tenantId, day, leadId),
    (current) => decideWritten(current, outcome, ports.now()),
  );
  if (draft === undefined) return "stray";
  return moved ? "taken" : "known";
}

/** A response that was too large for its message lies in the gateway bucket. */
async function withResponse(result: ResultMessage, { objects }: AnswerPorts): Promise<ResultMessage> {
  const { result: pointer, response, status } = result;
  if (status !== "succeeded" || response !== null || pointer === null) return result;
  const bytes = await objects.getRange(pointer.key, pointer.offset, pointer.length);
  return { ...parseStoredJson(storedResultSchema, bytes), result: pointer };
}
