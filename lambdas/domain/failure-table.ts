/**
 * What is done about everything that can become of an attempt, as data: docs/failure-policy.md is made of it.
 *
 * `where` it was seen: on a line of a batch's output, in the output as a whole, on the batch, or at a direct call.
 * `action`:
 * - `settle`: the provider answered; the job succeeds
 * - `fail`: the request's own fault; the job ends, nothing is tried again
 * - `next-batch`: the request goes into a later batch
 * - `alone`: the request is called directly, by itself
 * - `again`: the direct call is made again at once
 * - `none`: nothing to do; what it concerns is decided by another row
 *
 * `counts`: whether the attempt is one of the three of a round. What is not the request's doing does not count.
 */
export type PolicyRow = {
  readonly where: "line" | "output" | "batch" | "call";
  readonly seen: string;
  readonly action: "settle" | "fail" | "next-batch" | "alone" | "again" | "none";
  readonly counts: boolean;
  /** Seconds before the next attempt; doubled with each that counted in the round, an hour at most. */
  readonly backOffSeconds: number;
  /** The requests come back as two halves, each a batch of its own, until a half is one request. */
  readonly halve: boolean;
  /** Seconds for which nothing more is planned for the provider account. */
  readonly holdSeconds: number;
  /** Whether the provider may have billed an answer that cannot be priced: the ledger then names an estimate. */
  readonly unconfirmed: boolean;
  /**
   * Whether a job may end over it when its last call, from the dead letters, fails. If not, it goes back there for as long
   * as an answer may be of use.
   */
  readonly endsJob: boolean;
  /** What the tenant is told when the job ends over it; null where the provider's own code and message are handed on. */
  readonly tells: { readonly code: string; readonly message: string } | null;
  /** What the row stands for, and why it is treated so. */
  readonly why: string;
};

const DEFAULTS = {
  counts: true,
  backOffSeconds: 0,
  halve: false,
  holdSeconds: 0,
  unconfirmed: false,
  endsJob: true,
  tells: null,
} as const;

function row<const Where extends PolicyRow["where"], const Seen extends string>(
  where: Where,
  seen: Seen,
  action: PolicyRow["action"],
  why: string,
  details: Partial<Omit<PolicyRow, "where" | "seen" | "action" | "why">> = {},
): PolicyRow & { readonly where: Where; readonly seen: Seen } {
  return { ...DEFAULTS, ...details, where, seen, action, why };
}

const MINUTE = 60;

const DECLINED = {
  code: "answer_refused",
  message: "the model declined to answer, or its answer was filtered",
} as const;
const CUT_OFF = { code: "answer_truncated", message: "the answer was cut off at a length limit" } as const;

export const FAILURE_TABLE = [
  row("line", "answered", "settle", "An answer, billed."),
  row(
    "line",
    "refused-answer",
    "settle",
    "The model declined. It is an answer, and billed: the result says so.",
    { tells: DECLINED },
  ),
  row(
    "line",
    "truncated-answer",
    "settle",
    "The answer broke off at a length limit. It is billed: the result says so.",
    { tells: CUT_OFF },
  ),
  row(
    "line",
    "request-refused",
    "fail",
    "A 4xx of the request's own, or a parameter that the model does not have: it would be refused again.",
  ),
  row("line", "busy", "next-batch", "408, 409 or 429: the provider had no time for it.", {
    backOffSeconds: 5 * MINUTE,
  }),
  row("line", "server-error", "next-batch", "5xx, or an error that does not name the request.", {
    backOffSeconds: 5 * MINUTE,
  }),
  row("line", "key-refused", "next-batch", "401 or 403: the key is the operator's to mend.", {
    backOffSeconds: 15 * MINUTE,
  }),
  row(
    "line",
    "no-credit",
    "next-batch",
    "The account has run out of credit or reached its billing limit. Not the request's doing, and every other would meet it too.",
    {
      counts: false,
      holdSeconds: 30 * MINUTE,
    },
  ),
  row(
    "line",
    "expired-line",
    "next-batch",
    "The batch expired before the line was run. What ran before was billed and is settled.",
  ),
  row("line", "cancelled-line", "next-batch", "The batch was cancelled before the line was run."),
  row("line", "silent-line", "next-batch", "A line with neither an answer nor an error.", {
    tells: { code: "empty_line", message: "the provider gave neither an answer nor an error" },
  }),
  row(
    "line",
    "unreadable-answer",
    "alone",
    "A 200 that cannot be read or does not say what it used: surely billed, and a direct call tells more.",
    {
      unconfirmed: true,
      tells: { code: "unreadable_answer", message: "the provider's answer could not be read" },
    },
  ),

  row("output", "missing-line", "next-batch", "The output has no line for a request.", {
    tells: { code: "no_answer", message: "the provider's output has no line for this request" },
  }),
  row(
    "output",
    "unparseable-line",
    "none",
    "A line that is not JSON answers nobody: the request that it may have been for counts as missing.",
  ),
  row(
    "output",
    "repeated-line",
    "none",
    "The same request answered again, alike or otherwise: an answer outweighs a failure, the first of equals counts.",
  ),
  row(
    "output",
    "unknown-line",
    "none",
    "A line for a request that is not of this batch: counted, and shown to the operator.",
  ),
  row(
    "output",
    "foreign-output",
    "next-batch",
    "No line is of this batch: the provider's batch was somebody else's, taken for ours after a lost answer.",
    {
      counts: false,
      tells: { code: "not_our_batch", message: "the provider's batch turned out to be another" },
    },
  ),
  row(
    "output",
    "results-gone",
    "next-batch",
    "The provider has deleted or archived the output. What it billed is not known any more.",
    {
      unconfirmed: true,
      tells: { code: "results_gone", message: "the provider no longer has the results of the batch" },
    },
  ),

  row("batch", "bad-row", "fail", "The batch failed at validation, and the provider names this row."),
  row(
    "batch",
    "our-row",
    "alone",
    "The batch failed over how it was put together (a repeated id, mixed models): not the request's fault.",
    {
      tells: { code: "batch_row_refused", message: "the provider refused the request's row in a batch" },
    },
  ),
  row("batch", "good-row", "next-batch", "The batch failed at validation over other rows.", {
    counts: false,
  }),
  row(
    "batch",
    "unnamed-fault",
    "next-batch",
    "The batch failed and the provider does not say which row is wrong: halved until one request is left, which is then called alone.",
    {
      counts: false,
      halve: true,
    },
  ),
  row("batch", "too-large", "next-batch", "The provider finds the input too large.", {
    counts: false,
    halve: true,
  }),
  row(
    "batch",
    "token-limit",
    "next-batch",
    "More tokens are waiting at the provider than it lets the account queue.",
    {
      counts: false,
      halve: true,
      backOffSeconds: 15 * MINUTE,
    },
  ),
  row(
    "batch",
    "billing-limit",
    "next-batch",
    "The account reached its billing limit: nothing is sent until it may be over.",
    {
      counts: false,
      holdSeconds: 30 * MINUTE,
    },
  ),
  row("batch", "no-batch-service", "alone", "The provider at this address has no batch service."),
  row(
    "batch",
    "create-refused",
    "next-batch",
    "The provider refused to take the batch, for a reason that names neither rows nor limits.",
    {
      halve: true,
      backOffSeconds: 5 * MINUTE,
    },
  ),
  row("batch", "batch-expired", "next-batch", "The batch expired, and says nothing of this request.", {
    tells: { code: "batch_expired", message: "the provider's batch expired before this request ran" },
  }),
  row("batch", "batch-cancelled", "next-batch", "Somebody cancelled the batch at the provider.", {
    tells: { code: "batch_cancelled", message: "the batch was cancelled before this request ran" },
  }),
  row(
    "batch",
    "stuck",
    "next-batch",
    "The batch stayed in one state for too long, or was stopped while its rest was still in time elsewhere, or given up when that hung.",
    {
      tells: { code: "batch_stuck", message: "the provider's batch took too long and was cancelled" },
    },
  ),

  row("call", "answered", "settle", "An answer, billed."),
  row("call", "refused-answer", "settle", "As on a line.", { tells: DECLINED }),
  row("call", "truncated-answer", "settle", "As on a line.", { tells: CUT_OFF }),
  row("call", "request-refused", "fail", "A 4xx of the request's own."),
  row(
    "call",
    "busy",
    "again",
    "408, 409 or 429; the wait that the provider asks for is kept by all calls for the model. Where it is longer than a minute the message goes back to its queue.",
  ),
  row(
    "call",
    "no-capacity",
    "again",
    "A 429 of the flex lane, which is not billed: the call is made in the sync lane, at once.",
    { counts: false },
  ),
  row("call", "server-error", "again", "5xx."),
  row("call", "key-refused", "again", "401 or 403: the key is the operator's to mend.", { endsJob: false }),
  row("call", "no-credit", "again", "No credit: somebody has to pay first.", { endsJob: false }),
  row("call", "not-sent", "again", "No connection: nothing was sent, nothing billed.", {
    endsJob: false,
    tells: { code: "not_sent", message: "the provider could not be called" },
  }),
  row("call", "lost-answer", "again", "Sent, and no answer came: it may have run.", {
    unconfirmed: true,
    tells: { code: "no_answer", message: "the provider did not answer" },
  }),
  row("call", "unreadable-answer", "again", "As on a line.", {
    unconfirmed: true,
    tells: { code: "unreadable_answer", message: "the provider's answer could not be read" },
  }),
] as const satisfies readonly PolicyRow[];
