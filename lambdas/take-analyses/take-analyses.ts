import { sendResults } from "../deliver-results/deliver-results.ts";
import { MissingRecordError } from "../domain/failures.ts";
import { contentHash } from "../domain/ids.ts";
import { workloadPrefix } from "../domain/object-keys.ts";
import { readAnalysis } from "../domain/post-call/analysis.ts";
import { type AnalysisJob, analysisJob, firstKeyOf, tryOf } from "../domain/post-call/analysis-job.ts";
import { readTranscript } from "../domain/post-call/read-transcript.ts";
import { transcriptHash } from "../domain/post-call/transcript.ts";
import type { TranscriptSource } from "../domain/post-call/transcript-source.ts";
import { resultEnvelopeSchema, type ResultMessage } from "../domain/result-message.ts";
import type { ObjectStore, Outbox, TenantQueues, Tenants } from "../ports.ts";

/** An answer that was invalid twice, for the operator. What the model wrote lies where `result` says. */
export type InvalidAnalysis = {
  readonly version: 1;
  readonly kind: "invalid-analysis";
  readonly problem: string;
  readonly result: ResultMessage;
};

export type AnalysisPorts = {
  readonly objects: ObjectStore;
  readonly tenants: Tenants;
  readonly queues: TenantQueues;
  readonly jobs: Outbox<AnalysisJob>;
  readonly deadLetters: Outbox<InvalidAnalysis>;
};

/** How many results were passed to tenants, valid analyses among them; how many calls are tried once more; how many failed. */
export type TakenAnalyses = {
  readonly analyses: number;
  readonly passedOn: number;
  readonly triedAgain: number;
  readonly failed: number;
};

/**
 * Takes a message of results of our jobs: valid analyses and all that is no answer go to the tenant; a first answer that
 * is no analysis is asked for once more, alone; a second becomes a dead letter, and a failed result. Run again, it sends the
 * same once more: the repeated job runs once, and tenants drop repeats by `jobId`.
 */
export async function takeAnalyses(body: string, ports: AnalysisPorts): Promise<TakenAnalyses> {
  const envelope = resultEnvelopeSchema.parse(JSON.parse(body));
  const results = "results" in envelope ? envelope.results : [envelope];
  const outcomes: Outcome[] = [];
  for (const result of results) outcomes.push(await judge(result, ports));
  await ports.jobs.send(outcomes.flatMap((outcome) => (outcome.kind === "again" ? [outcome.job] : [])));
  await ports.deadLetters.send(
    outcomes.flatMap((outcome) => (outcome.kind === "failed" ? [outcome.letter] : [])),
  );
  const told = outcomes.flatMap((outcome) => (outcome.kind === "again" ? [] : [outcome.result]));
  for (const [tenantId, own] of Map.groupBy(told, (result) => result.tenantId))
    await sendResults(tenantId, () => own, ports);
  const count = (kind: Outcome["kind"]) => outcomes.filter((outcome) => outcome.kind === kind).length;
  return {
    analyses: count("analysed"),
    passedOn: count("passed-on"),
    triedAgain: count("again"),
    failed: count("failed"),
  };
}

type Outcome =
  | { readonly kind: "analysed" | "passed-on"; readonly result: ResultMessage }
  | { readonly kind: "again"; readonly job: AnalysisJob }
  | { readonly kind: "failed"; readonly result: ResultMessage; readonly letter: InvalidAnalysis };

async function judge(result: ResultMessage, ports: AnalysisPorts): Promise<Outcome> {
  const ours = tryOf(result);
  if (ours === undefined) return { kind: "passed-on", result };
  const own = { ...result, idempotencyKey: firstKeyOf(result.idempotencyKey ?? "") };
  if (result.status !== "succeeded") return { kind: "passed-on", result: own };
  const read = readAnalysis(result.response);
  if (read.kind === "valid") {
    const analysed = { ...own, response: read.analysis, error: null };
    await keep(analysed, ports.objects);
    return { kind: "analysed", result: analysed };
  }
  const job = ours.which === "first" ? await secondTry(result, ours.source, ports) : undefined;
  if (job !== undefined) return { kind: "again", job };
  const { problem } = read;
  const error = { code: "invalid_analysis", message: problem };
  return {
    kind: "failed",
    result: { ...own, status: "failed", response: null, error },
    letter: { version: 1, kind: "invalid-analysis", problem, result: { ...own, response: null } },
  };
}

/** Keeps the analysis for whoever asks for it later: one object for each call, the same bytes however often it is written. */
async function keep(result: ResultMessage, objects: ObjectStore): Promise<void> {
  const name = contentHash(result.idempotencyKey ?? "", 32);
  await objects.put(
    `${workloadPrefix("post-call", result.tenantId)}analyses/${name}.json`,
    JSON.stringify(result),
  );
}

/** The call's second job; undefined when nobody has the transcript any more, or it is another's by now. */
async function secondTry(
  { tenantId }: ResultMessage,
  source: TranscriptSource & { readonly hash: string },
  { objects, tenants }: AnalysisPorts,
): Promise<AnalysisJob | undefined> {
  const policy = (await tenants.get(tenantId))?.policy.workloads.postCall;
  const read = readTranscript(await bytesAt(source, objects));
  if (policy === undefined || read.kind === "refused") return undefined;
  if (transcriptHash(read.transcript) !== source.hash) return undefined;
  const { key, offset, length } = source;
  return analysisJob(
    tenantId,
    policy,
    { transcript: read.transcript, source: { key, offset, length } },
    "alone",
  );
}

/** The bytes of a transcript; none where the object is gone. */
async function bytesAt({ key, offset, length }: TranscriptSource, objects: ObjectStore): Promise<Uint8Array> {
  try {
    return await objects.getRange(key, offset, length);
  } catch (error) {
    if (error instanceof MissingRecordError) return new Uint8Array(0);
    throw error;
  }
}
