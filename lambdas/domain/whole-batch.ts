import type { ProviderBatch } from "./batch-record.ts";
import { ownWords } from "./failure-policy.ts";
import { isCreditError } from "./output-line.ts";
import type { MissingReason, SettlementPlan } from "./settlement-plan.ts";

type Reason = { readonly code: string; readonly message: string };

/** Errors of a row that are about how the batch was put together, not about the request in it. */
const OUR_ROW_CODES: ReadonlySet<string> = new Set([
  "duplicate_custom_id",
  "mismatched_model",
  "multiple_models",
  "mismatched_url",
  "invalid_url",
  "invalid_method",
]);

/** The rows that the provider named when it refused a whole batch, by custom id: its lines count from 1. */
export function refusedRows(
  errors: ProviderBatch["errors"],
  customIds: readonly string[],
): SettlementPlan["refusedRows"] {
  const rows: SettlementPlan["refusedRows"] = {};
  for (const { line, code, message } of errors) {
    const customId = line === null ? undefined : customIds[line - 1];
    if (customId === undefined) continue;
    const seen = OUR_ROW_CODES.has(code) ? "our-row" : "bad-row";
    rows[customId] = seen === "our-row" ? { seen, ...ownWords(seen) } : { seen, code, message };
  }
  return rows;
}

/**
 * Why the requests of an ended batch that no line answers and no error names have no answer. `cancelledByUs`: we asked for
 * it because the batch hung.
 */
export function missingReasonOf(
  ended: ProviderBatch,
  rowsNamed: boolean,
  cancelledByUs: boolean,
): MissingReason {
  if (ended.status === "failed") return failedReason(ended.errors, rowsNamed);
  if (ended.status === "expired") return worded("batch-expired");
  if (ended.status === "cancelled") return worded(cancelledByUs ? "stuck" : "batch-cancelled");
  return worded("missing-line");
}

function failedReason(errors: ProviderBatch["errors"], rowsNamed: boolean): MissingReason {
  for (const { code, message } of errors) {
    const seen = limitSeen({ code, message });
    if (seen !== undefined) return { seen, code, message };
  }
  const { code, message } = errors[0] ?? ownWords("unnamed-fault");
  return { seen: rowsNamed ? "good-row" : "unnamed-fault", code, message };
}

function limitSeen({ code, message }: Reason): "token-limit" | "billing-limit" | undefined {
  if (isCreditError(code, message)) return "billing-limit";
  return code === "token_limit_exceeded" || /enqueued token limit/i.test(message) ? "token-limit" : undefined;
}

/** What the provider calls an input that it finds too large; the words differ by server. */
const TOO_LARGE = /too[ _]large|(exceed|larger|more)[^.]{0,60}(size|bytes|mb\b|limit)|http_413/i;
/** An address where nothing answers to batches. */
const NO_SERVICE: ReadonlySet<string> = new Set([
  "http_404",
  "http_405",
  "not_found",
  "not_found_error",
  "unknown_url",
]);

/** Why the provider refused to take a batch at all. */
export function refusalReason({ code, message }: Reason): MissingReason {
  const seen =
    limitSeen({ code, message }) ??
    (NO_SERVICE.has(code)
      ? "no-batch-service"
      : TOO_LARGE.test(`${code} ${message}`)
        ? "too-large"
        : "create-refused");
  return { seen, code, message };
}

/** A reason in our own words. */
export function worded(seen: MissingReason["seen"]): MissingReason {
  return { seen, ...ownWords(seen) };
}
