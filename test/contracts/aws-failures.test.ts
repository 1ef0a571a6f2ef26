import { describe, expect, it } from "vitest";
import { translateFailures } from "../../lambdas/adapters/aws-failures.ts";
import { RetryableError } from "../../lambdas/domain/failures.ts";

async function translated(name: string, fields: object): Promise<unknown> {
  const failure = Object.assign(new Error("why"), { name, ...fields });
  const send = translateFailures(async () => {
    throw failure;
  });
  try {
    return await send({});
  } catch (error) {
    return error instanceof RetryableError && error.cause === failure ? "retryable" : error === failure;
  }
}

describe("failures of AWS calls", () => {
  it.each([
    ["ProvisionedThroughputExceededException", { $metadata: { httpStatusCode: 400 } }],
    ["ThrottlingException", { $metadata: { httpStatusCode: 400 } }],
    ["ExecutionLimitExceeded", { $metadata: { httpStatusCode: 400 } }],
    ["TooMany", { $metadata: { httpStatusCode: 429 } }],
    ["InternalServerError", { $metadata: { httpStatusCode: 500 } }],
    ["TimeoutError", {}],
    ["Error", { code: "ENOTFOUND", syscall: "getaddrinfo" }],
  ])("that may pass become RetryableError: %s", async (name, fields) => {
    expect(await translated(name, fields)).toBe("retryable");
  });

  it.each([
    ["ConditionalCheckFailedException", { $metadata: { httpStatusCode: 400 } }],
    ["AccessDeniedException", { $metadata: { httpStatusCode: 400 } }],
    ["ExecutionDoesNotExist", { $metadata: { httpStatusCode: 400 } }],
    ["NoSuchKey", { $metadata: { httpStatusCode: 404 } }],
    ["TypeError", {}],
  ])("that will not pass stay what they are: %s", async (name, fields) => {
    expect(await translated(name, fields)).toBe(true);
  });
});
