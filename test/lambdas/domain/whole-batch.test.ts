import { describe, expect, test } from "vitest";
import { ownWords } from "../../../lambdas/domain/failure-policy.ts";
import { missingReasonOf, refusalReason, refusedRows, worded } from "../../../lambdas/domain/whole-batch.ts";
import { anEndedBatch } from "./provider-batches.ts";

const IDS = ["job-a-1", "job-b-1", "job-c-1"];

function error(code: string, line: number | null = null, message = "the provider's reason") {
  return { code, line, message };
}

describe("rows that the provider names", () => {
  test("count from one, and keep the provider's word and reason", () => {
    expect(refusedRows([error("invalid_value", 1), error("missing_field", 3, "no model")], IDS)).toEqual({
      "job-a-1": { seen: "bad-row", code: "invalid_value", message: "the provider's reason" },
      "job-c-1": { seen: "bad-row", code: "missing_field", message: "no model" },
    });
  });

  test.each([null, 0, 4, -1, 1.5])("line %s is no row of the batch", (line) => {
    expect(refusedRows([error("invalid_value", line)], IDS)).toEqual({});
  });

  test.each([
    "duplicate_custom_id",
    "mismatched_model",
    "multiple_models",
    "mismatched_url",
    "invalid_url",
    "invalid_method",
  ])("%s is about how the batch was put together: in our words, and not the request's fault", (code) => {
    expect(refusedRows([error(code, 2)], IDS)).toEqual({
      "job-b-1": { seen: "our-row", ...ownWords("our-row") },
    });
  });

  test("none, when there are no errors", () => {
    expect(refusedRows([], IDS)).toEqual({});
  });
});

describe("requests without a line, of a batch that failed", () => {
  const failed = (errors: Parameters<typeof anEndedBatch>[1], rowsNamed = false) =>
    missingReasonOf(anEndedBatch("failed", errors), rowsNamed, false);

  test("are good where the provider named others, and one of them may be bad where it named none", () => {
    expect(failed([error("invalid_value", 1)], true)).toMatchObject({
      seen: "good-row",
      code: "invalid_value",
    });
    expect(failed([error("invalid_value")])).toMatchObject({ seen: "unnamed-fault", code: "invalid_value" });
  });

  test("have our words when the provider has none", () => {
    expect(failed([])).toEqual(worded("unnamed-fault"));
  });

  test.each([
    ["token_limit_exceeded", "reason", "token-limit"],
    ["unknown", "Enqueued token limit reached for gpt-5-nano in organization org-1", "token-limit"],
    ["billing_hard_limit_reached", "reason", "billing-limit"],
    ["insufficient_quota", "reason", "billing-limit"],
    ["invalid_request_error", "Your credit balance is too low", "billing-limit"],
  ])("%s: %s is %s", (code, message, seen) => {
    expect(failed([error(code, null, message)])).toEqual({ seen, code, message });
  });

  test("meet a limit that is named beside bad rows", () => {
    expect(failed([error("invalid_value", 1), error("token_limit_exceeded")], true)).toMatchObject({
      seen: "token-limit",
    });
  });
});

test.each([
  ["completed", false, "missing-line"],
  ["ended", false, "missing-line"],
  ["expired", false, "batch-expired"],
  ["cancelled", false, "batch-cancelled"],
  ["cancelled", true, "stuck"],
  // It ended by itself before the cancel came to it.
  ["completed", true, "missing-line"],
  ["expired", true, "batch-expired"],
] as const)(
  "requests without a line, of a batch that is %s (cancelled by us: %s): %s",
  (status, byUs, seen) => {
    expect(missingReasonOf(anEndedBatch(status), false, byUs)).toEqual(worded(seen));
  },
);

describe("a batch that the provider did not take", () => {
  test.each([
    ["token_limit_exceeded", "reason", "token-limit"],
    ["billing_hard_limit_reached", "reason", "billing-limit"],
    ["billing_error", "reason", "billing-limit"],
    ["http_404", "Not Found", "no-batch-service"],
    ["http_405", "Method Not Allowed", "no-batch-service"],
    ["not_found_error", "no such route", "no-batch-service"],
    ["unknown_url", "Unknown request URL: POST /v1/batches", "no-batch-service"],
    ["http_413", "the provider gave no reason", "too-large"],
    ["request_too_large", "Request exceeds the maximum size", "too-large"],
    ["invalid_request_error", "The file is too large", "too-large"],
    ["file_size", "the input may not be more than 200 MB", "too-large"],
    ["invalid_request_error", "batches take at most one endpoint", "create-refused"],
    ["invalid_value", "reason", "create-refused"],
  ])("%s: %s is %s", (code, message, seen) => {
    expect(refusalReason({ code, message })).toEqual({ seen, code, message });
  });
});
