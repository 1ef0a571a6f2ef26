/** An error by the name that Retry and Catch see, with the cause that AWS shows beside it. */
export class StatesError extends Error {
  override readonly name = "StatesError";
  /** For example `States.Timeout`, `Lambda.TooManyRequestsException`, or a handler's own error name. */
  readonly error: string;

  constructor(error: string, cause: string) {
    super(`${error}: ${cause}`);
    this.error = error;
    this.cause = cause;
  }

  get errorOutput(): { readonly Error: string; readonly Cause: string } {
    return { Error: this.error, Cause: String(this.cause) };
  }
}

/** Any thrown value as a StatesError: the interpreter's own surprises are `States.Runtime`, which nothing catches. */
export function toStatesError(error: unknown): StatesError {
  if (error instanceof StatesError) return error;
  return new StatesError(
    "States.Runtime",
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  );
}

/** Errors that the wildcards do not reach. */
const TERMINAL = new Set(["States.DataLimitExceeded", "States.Runtime"]);

/**
 * Whether a retrier or catcher with these names takes the error. `States.ALL` misses DataLimitExceeded and Runtime,
 * `States.TaskFailed` misses Timeout too, and Runtime always ends the execution, even when it is named.
 */
export function errorMatches(errorEquals: readonly string[], error: string): boolean {
  if (error === "States.Runtime") return false;
  return errorEquals.some((name) => {
    if (name === "States.ALL") return !TERMINAL.has(error);
    if (name === "States.TaskFailed") return !TERMINAL.has(error) && error !== "States.Timeout";
    return name === error;
  });
}
