import { RetryableError } from "../domain/failures.ts";

type Send<Args, Output> = (args: Args) => Promise<Output>;

/** Service errors that waiting cures although their HTTP status is 400. */
const THROTTLED = new Set([
  "ExecutionLimitExceeded",
  "LimitExceededException",
  "PriorRequestNotComplete",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "RequestTimeout",
  "SlowDown",
  "ThrottledException",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
]);

function statusOf(error: object): number | undefined {
  if (!("$metadata" in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return undefined;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}

/** A failure below HTTP (`ECONNRESET`, `ENOTFOUND`, …) or of our own timeouts: nobody answered. */
function isUnanswered(error: Error): boolean {
  return error.name === "TimeoutError" || ("code" in error && "syscall" in error);
}

function mayPass(error: Error): boolean {
  const status = statusOf(error);
  return THROTTLED.has(error.name) || isUnanswered(error) || status === 429 || (status ?? 0) >= 500;
}

/**
 * An SDK middleware for the `initialize` step, outside the SDK's own retries: what may pass leaves a client as a
 * RetryableError, which SQS handlers and state machines retry by name. Everything else keeps the service's own name:
 * adapters act on some of them, and the rest are our mistakes.
 */
export function translateFailures<Args, Output>(next: Send<Args, Output>): Send<Args, Output> {
  return async (args) => {
    try {
      return await next(args);
    } catch (error) {
      if (!(error instanceof Error) || !mayPass(error)) throw error;
      throw new RetryableError(`${error.name}: ${error.message}`, { cause: error });
    }
  };
}
