import { describe, test } from "vitest";
import { type BenchOptions, type FaultBench, startFaultBench } from "./fault-bench.ts";

/** Both providers show most faults. */
const BOTH = ["openai", "anthropic"] as const;
const OPENAI = ["openai"] as const;
const ANTHROPIC = ["anthropic"] as const;

/**
 * Every fault that has been seen at a batch provider, in our words, with the providers that can show it. Each has a test
 * under its name in one of this folder's files; a test beside them finds the one that is forgotten.
 */
export const FAULTS = {
  // The batch as a whole.
  "the input is refused over a row that the provider names": OPENAI,
  "the input is refused and no row is named": OPENAI,
  "an id stands twice in the input": BOTH,
  "the input mixes models": OPENAI,
  "a row of the input is not JSON": OPENAI,
  "the batch fails for its tokens after its create was answered well": OPENAI,
  "a batch that failed for its tokens holds them for a while": OPENAI,
  "the input is larger than the provider takes": BOTH,
  "the batch stays in validating for hours": OPENAI,
  "the batch stays in progress with no line done": BOTH,
  "the batch stays in finalizing for hours": BOTH,
  "the batch hangs even after it was cancelled": BOTH,
  "the batch expires with a part of its lines done and billed": BOTH,
  "the batch is cancelled while it completes": BOTH,
  "counts stay at zero until the end": ANTHROPIC,
  // Its lines.
  "every line fails, so there is no output file": BOTH,
  "a refusal stands in the response's status while the error is null": OPENAI,
  "some lines meet a rate limit or an error of the provider's": BOTH,
  "a parameter that the model does not support fails every line": BOTH,
  "the account's credit runs out in the middle of a batch": BOTH,
  "lines are missing": BOTH,
  "lines are repeated": BOTH,
  "lines contradict each other": BOTH,
  "lines come in another order": BOTH,
  "a line is not JSON": BOTH,
  "lines answer requests that nobody sent": BOTH,
  // The calls.
  "the download of an output is cut off": BOTH,
  "the results are gone": BOTH,
  "the batch itself is gone": BOTH,
  "the create's answer is lost": BOTH,
  "the create is repeated after a lost answer, and both batches are billed": BOTH,
  "a batch that nobody knew of has lines that nobody sent": ANTHROPIC,
  "another's batch is taken for ours after a lost answer": ANTHROPIC,
  "a new batch is missing from the list for a while": BOTH,
  "the worker dies after the provider took the batch": BOTH,
  "a new batch is not found for a while": BOTH,
  "an uploaded file is not found for a while": OPENAI,
  "the account is over its billing limit when the batch is created": BOTH,
  "429 with a time to wait, at every call": BOTH,
  "429 without a time to wait, at every call": BOTH,
  "5xx at every call": BOTH,
  "a direct call meets 429, 5xx and a lost answer": BOTH,
  // Webhooks are not used: one that is lost, late, repeated or forged would need the polling beside it anyway, and an
  // address that the internet can reach. The test shows that a batch needs none.
  "a webhook is lost, late or repeated": OPENAI,
} as const satisfies Readonly<Record<string, readonly ("openai" | "anthropic")[]>>;

/** The test of one fault, on a bench of its own for each provider that can show it. */
export function faultTest(
  fault: keyof typeof FAULTS,
  options: BenchOptions,
  show: (bench: FaultBench) => Promise<void>,
): void {
  describe(fault, () => {
    test.each(FAULTS[fault])("%s", async (provider) => show(await startFaultBench(provider, options)));
  });
}
