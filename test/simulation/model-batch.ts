import type { ProviderBatch } from "../../lambdas/domain/batch-record.ts";
import { STAGE_LIMITS_MS } from "../../lambdas/domain/batch-watch.ts";
import type { Provider } from "../../lambdas/domain/vocabulary.ts";
import { type ModelRequest, readRequest } from "./model-answers.ts";
import type { ProviderFaults } from "./provider-faults.ts";
import { DAY, HOUR, MINUTE, SECOND } from "./simulation-clock.ts";

export type ModelLine = {
  readonly customId: string;
  readonly text: string;
  readonly request: ModelRequest | null;
};

/** Requests of somebody else's. */
export function foreignLines(size: number): ModelLine[] {
  return Array.from({ length: size }, (_, line) => ({ customId: `theirs-${line}`, text: "", request: null }));
}

/** How a batch will go if nobody interferes: when each stage is over, and what it ends as. */
type Fate = {
  readonly validatedAt: number;
  readonly doneAt: number;
  readonly endsAt: number;
  readonly status: "completed" | "failed" | "expired" | "cancelled";
  readonly errors: ProviderBatch["errors"];
  /** Every line is refused for want of credit. */
  readonly noCredit: boolean;
  /** It never runs anything. */
  readonly idle: boolean;
};

/** One batch at the provider. */
export type ModelBatch = {
  readonly id: string;
  readonly provider: Provider;
  /** Our own id, as we passed it; the provider keeps it only where it names batches. */
  readonly batchId: string;
  /** Of somebody else who shares the account. */
  readonly foreign: boolean;
  readonly createdAt: number;
  readonly listedAt: number;
  readonly lines: readonly ModelLine[];
  readonly inputFileId: string | null;
  fate: Fate;
  cancelledAt: number | null;
  /** Made when the batch has ended and somebody looks. */
  output: { readonly output: string; readonly errors: string } | null;
  goneFrom: number | null;
  backAt: number | null;
  /** From then on the provider does not know it any more. */
  readonly forgottenAt: number | null;
  deleted: boolean;
};

const BAD_ROW = { code: "invalid_value", message: "this row is not valid" };
const HANGS = Infinity;
const TOKEN_LIMIT = {
  code: "token_limit_exceeded",
  line: null,
  message: "Enqueued token limit reached for the model",
};

/** Whether the provider forgets a batch before it ends; then nobody learns what it billed. */
export function isForgotten({ forgottenAt, fate }: ModelBatch): boolean {
  return forgottenAt !== null && forgottenAt <= fate.endsAt;
}

type Made = Pick<
  ModelBatch,
  "id" | "provider" | "batchId" | "foreign" | "lines" | "inputFileId" | "createdAt"
>;

/** A new batch, with all that will befall it by itself. */
export function newBatch(made: Made, faults: ProviderFaults): ModelBatch {
  const { id, provider, lines, createdAt } = made;
  const lag = faults.befalls("batch not listed for minutes", id) ? 15 * MINUTE : 50 * SECOND;
  const lags = lag > MINUTE || faults.befalls("batch not listed at first", id);
  const isForgotten = faults.befalls("batch forgotten by the provider", id);
  return {
    ...made,
    listedAt: createdAt + (lags ? faults.detail("lag", id) * lag : 0),
    fate: fateOf(id, provider, lines, createdAt, faults),
    cancelledAt: null,
    output: null,
    goneFrom: null,
    backAt: null,
    forgottenAt: isForgotten ? createdAt + 2 * MINUTE + faults.detail("forgotten", id) * HOUR : null,
    deleted: false,
  };
}

/** What will become of a new batch. */
function fateOf(
  id: string,
  provider: Provider,
  lines: readonly ModelLine[],
  createdAt: number,
  faults: ProviderFaults,
): Fate {
  const draw = (name: string) => faults.detail(name, id);
  const named = provider === "openai";
  const validatedAt = named ? createdAt + 5 * SECOND + draw("validating") ** 2 * 3 * MINUTE : createdAt;
  const doneAt = validatedAt + MINUTE + draw("running") ** 7 * 2 * HOUR;
  const endsAt = named ? doneAt + draw("finalizing") * 4 * MINUTE : doneAt;
  const good: Fate = {
    validatedAt,
    doneAt,
    endsAt,
    status: "completed",
    errors: [],
    noCredit: false,
    idle: false,
  };
  const failed = named ? failureOf(id, lines, faults) : null;
  if (failed !== null)
    return { ...good, doneAt: validatedAt, endsAt: validatedAt, status: "failed", errors: failed };
  if (named && faults.befalls("stuck in validating", id))
    return { ...good, validatedAt: HANGS, doneAt: HANGS, endsAt: HANGS, idle: true };
  if (faults.befalls("stuck in progress, nothing done", id))
    return { ...good, doneAt: HANGS, endsAt: HANGS, idle: true };
  if (named && faults.befalls("stuck in finalizing", id)) return { ...good, endsAt: HANGS };
  if (named && faults.befalls("finalizing ends just when it counts as stuck", id))
    return { ...good, endsAt: doneAt + STAGE_LIMITS_MS.finalizing + draw("late") * HOUR };
  if (faults.befalls("expired after a day, partly done", id)) {
    const end = createdAt + DAY + draw("expiring") * 5 * MINUTE;
    return { ...good, doneAt: end, endsAt: end, status: "expired" };
  }
  if (faults.befalls("somebody cancels the batch at the provider", id))
    return { ...good, doneAt: endsAt, status: "cancelled" };
  if (faults.befalls("every line refused over low credit", id)) return { ...good, noCredit: true };
  return good;
}

/** The errors with which the batch fails at validation; null when it does not. */
function failureOf(
  id: string,
  lines: readonly ModelLine[],
  faults: ProviderFaults,
): ProviderBatch["errors"] | null {
  const bad = lines.flatMap(({ request }, index) => (request?.trouble === "bad-row" ? [index + 1] : []));
  const some = 1 + Math.floor(faults.detail("row", id) * lines.length);
  const error = (code: string, line: number | null, message: string) => [{ code, line, message }];
  if (bad.length > 0)
    return !faults.befalls("failed at validation, bad rows not named", id) &&
      faults.befalls("failed at validation, bad rows named", id)
      ? bad.map((line) => ({ ...BAD_ROW, line }))
      : error("invalid_request", null, "the input file is not valid");
  if (faults.befalls("token limit exceeded after the create was answered", id)) return [TOKEN_LIMIT];
  if (faults.befalls("billing limit reached after the create was answered", id))
    return error("billing_hard_limit_reached", null, "Billing hard limit has been reached");
  if (faults.befalls("failed at validation, no row named", id))
    return error("invalid_request", null, "something in the input file is wrong");
  if (faults.befalls("failed at validation over a repeated id", id))
    return error("duplicate_custom_id", some, "The custom_id of this row is used before");
  if (faults.befalls("failed at validation over mixed models", id))
    return error("mismatched_model", some, "All requests of a batch must use the same model");
  return null;
}

/** Whether a batch fails because more tokens wait at the provider than it lets the account queue. */
export function isTokenLimited({ fate }: ModelBatch): boolean {
  return fate.errors.includes(TOKEN_LIMIT);
}

/** A batch that comes while failed ones still hold their quota: it fails like them. */
export function tokenLimited(fate: Fate): Fate {
  const { validatedAt } = fate;
  if (fate.status === "failed" || validatedAt === HANGS) return fate;
  return { ...fate, doneAt: validatedAt, endsAt: validatedAt, status: "failed", errors: [TOKEN_LIMIT] };
}

/** The batch after somebody asked to stop it at `now`. */
export function cancelled(batch: ModelBatch, now: number, faults: ProviderFaults): Fate {
  const { fate, id } = batch;
  if (now >= fate.endsAt || batch.cancelledAt !== null) return fate;
  if (fate.endsAt !== HANGS && faults.befalls("cancel comes while the batch completes", id)) return fate;
  if (faults.befalls("cancelling never ends", id)) return { ...fate, doneAt: now, endsAt: HANGS };
  const slow = faults.befalls("cancelling hangs and then ends, billed", id);
  const lasts = slow
    ? 3 * HOUR + faults.detail("hanging", id) * 20 * HOUR
    : faults.detail("cancelling", id) * 9 * MINUTE;
  return { ...fate, doneAt: Math.min(now, fate.doneAt), endsAt: now + lasts, status: "cancelled" };
}

/** The provider's answer about a batch. OpenAI tells whole seconds. */
export function statusOf(batch: ModelBatch, now: number): ProviderBatch {
  const { id, fate, provider, lines } = batch;
  const ended = now >= fate.endsAt;
  const named = provider === "openai";
  const told = (time: number) => (named ? Math.floor(time / 1000) * 1000 : time);
  const stage = stageOf(batch, now);
  const files = ended && fate.status !== "failed" ? batch.output : null;
  return {
    id,
    phase: ended ? "ended" : "running",
    status: ended ? (named ? fate.status : "ended") : stage.name.replace("-", "_"),
    stage: stage.name,
    stageSince: told(stage.since),
    createdAt: told(batch.createdAt),
    endedAt: ended ? told(fate.endsAt) : null,
    counts: { total: lines.length, completed: 0, failed: 0 },
    errors: ended ? fate.errors : [],
    inputFileId: batch.inputFileId,
    outputFileId: named ? (files?.output ? `${id}-output` : null) : ended ? id : null,
    errorFileId: named && files?.errors ? `${id}-errors` : null,
  };
}

function stageOf(
  { fate, cancelledAt, createdAt, provider }: ModelBatch,
  now: number,
): { readonly name: ProviderBatch["stage"]; readonly since: number } {
  if (now >= fate.endsAt) return { name: "ended", since: fate.endsAt };
  if (cancelledAt !== null) return { name: "cancelling", since: cancelledAt };
  if (provider === "anthropic") return { name: "in-progress", since: createdAt };
  if (now < fate.validatedAt) return { name: "validating", since: createdAt };
  return now < fate.doneAt
    ? { name: "in-progress", since: fate.validatedAt }
    : { name: "finalizing", since: fate.doneAt };
}

/** The requests of an input, as OpenAI or as Anthropic takes them. */
export function linesOf(input: string): ModelLine[] {
  const lines = input.split("\n").filter((line) => line !== "");
  return lines.map((text) => {
    const {
      custom_id: customId,
      body,
      params,
      url,
    } = JSON.parse(text) as {
      readonly custom_id: string;
      readonly body?: unknown;
      readonly params?: unknown;
      readonly url?: string;
    };
    return { customId, text, request: readRequest(url ?? "/v1/messages", body ?? params) };
  });
}
