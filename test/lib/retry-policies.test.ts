import { expect, test } from "vitest";
import * as failures from "../../lambdas/domain/failures.ts";
import { RETRYABLE_NAMES, retriesOf, TERMINAL_NAMES } from "../../lib/retry-policies.ts";

const instances = Object.values(failures).map((Failure) => new Failure("code", "message"));

test("every failure of the domain is retried or is not, by the name that Lambda reports", () => {
  const names = (kind: typeof failures.RetryableError | typeof failures.TerminalError) =>
    instances.filter((failure) => failure instanceof kind).map(({ name }) => name);
  expect(RETRYABLE_NAMES.toSorted()).toEqual(names(failures.RetryableError).toSorted());
  expect(TERMINAL_NAMES.toSorted()).toEqual(names(failures.TerminalError).toSorted());
  expect(new Set([...RETRYABLE_NAMES, ...TERMINAL_NAMES]).size).toBe(instances.length);
});

test("the catch-all comes last and stands alone", () => {
  for (const patience of ["ordinary", "patient"] as const) {
    const errors = retriesOf(patience).map((retry) => retry.errors ?? []);
    expect(errors.at(-1)).toEqual(["States.ALL"]);
    expect(errors.slice(0, -1).flat()).not.toContain("States.ALL");
  }
});
