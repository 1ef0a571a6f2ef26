import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Retrier, retryDelayMs } from "../../../local/step-functions/retry.ts";
import { errorMatches, StatesError } from "../../../local/step-functions/states-error.ts";
import { type Invoke, machineOf, runStates, START, task } from "./machines.ts";

function failing(error: string): Invoke {
  return async () => {
    throw new StatesError(error, "cause");
  };
}

describe("Retry", () => {
  test("backs off by its rate up to its cap, then gives up; each retry is a transition", async () => {
    const times: number[] = [];
    const Retry = [
      { ErrorEquals: ["Flaky"], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 3, MaxDelaySeconds: 10 },
      { ErrorEquals: ["States.ALL"], MaxAttempts: 0 },
    ];
    const { machine, clock } = machineOf(
      { T: task({ Retry }) },
      {
        invoke: async () => {
          times.push(clock.now() - START);
          throw new StatesError("Flaky", "cause");
        },
      },
    );
    const execution = machine.startExecution({ input: {} });
    expect(await clock.runUntilSettled(execution.result)).toMatchObject({ status: "FAILED", error: "Flaky" });
    expect(times).toEqual([0, 2_000, 8_000, 18_000]);
    expect(execution.history.transitions).toBe(4);
  });

  test("each retrier counts its own attempts, and the context counts them all", async () => {
    const seen: unknown[] = [];
    const result = await runStates(
      {
        T: task({
          Arguments: { FunctionName: "work", Payload: "{% $states.context.State.RetryCount %}" },
          Retry: [
            { ErrorEquals: ["A"], MaxAttempts: 1 },
            { ErrorEquals: ["B"], MaxAttempts: 1 },
          ],
        }),
      },
      {},
      {
        invoke: async (_name, payload) => {
          seen.push(payload);
          throw new StatesError(seen.length % 2 === 1 ? "A" : "B", "");
        },
      },
    );
    expect(seen).toEqual([0, 1, 2]);
    expect(result).toMatchObject({ error: "A" });
  });

  test("the delay lies between nothing and the back-off, and never above the cap", () => {
    fc.assert(
      fc.property(
        fc.record({
          IntervalSeconds: fc.integer({ min: 1, max: 100 }),
          BackoffRate: fc.double({ min: 1, max: 4, noNaN: true }),
          MaxDelaySeconds: fc.integer({ min: 101, max: 1000 }),
          JitterStrategy: fc.constantFrom("FULL" as const, "NONE" as const),
        }),
        fc.nat(20),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (fields, attempt, chance) => {
          const retrier: Retrier = { ...fields, ErrorEquals: ["E"], MaxAttempts: 99 };
          const full =
            Math.min(fields.IntervalSeconds * fields.BackoffRate ** attempt, fields.MaxDelaySeconds) * 1000;
          const delay = retryDelayMs(retrier, attempt, () => chance);
          expect(delay).toBe(fields.JitterStrategy === "NONE" ? full : delay);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(full);
        },
      ),
    );
  });
});

describe("Catch", () => {
  test("takes the first entry by name, with its own Assign and Output", async () => {
    const Catch = [
      { ErrorEquals: ["Other"], Next: "Wrong" },
      {
        ErrorEquals: ["Mine"],
        Next: "Right",
        Assign: { cause: "{% $states.errorOutput.Cause %}" },
        Output: "out",
      },
      { ErrorEquals: ["States.ALL"], Next: "Wrong" },
    ];
    const result = await runStates(
      {
        T: task({ Catch }),
        Right: { Type: "Succeed", Output: ["{% $states.input %}", "{% $cause %}"] },
        Wrong: { Type: "Fail" },
      },
      {},
      { invoke: failing("Mine") },
    );
    expect(result).toEqual({ status: "SUCCEEDED", output: ["out", "cause"] });
  });

  test("an error in the state's own Output is caught too", async () => {
    const states = {
      T: task({ Output: "{% $states.result.no %}", Catch: [{ ErrorEquals: ["States.ALL"], Next: "C" }] }),
      C: { Type: "Succeed", Output: "{% $states.input.Error %}" },
    };
    const result = await runStates(states, {}, { invoke: async () => 1 });
    expect(result).toEqual({ status: "SUCCEEDED", output: "States.QueryEvaluationError" });
  });

  test.each([
    ["States.ALL", "Anything", true],
    ["States.ALL", "States.Timeout", true],
    ["States.ALL", "States.DataLimitExceeded", false],
    ["States.ALL", "States.Runtime", false],
    ["States.TaskFailed", "Anything", true],
    ["States.TaskFailed", "Sandbox.Timedout", true],
    ["States.TaskFailed", "States.Timeout", false],
    ["States.DataLimitExceeded", "States.DataLimitExceeded", true],
    ["States.Runtime", "States.Runtime", false],
    ["Lambda.TooManyRequestsException", "Lambda.TooManyRequestsException", true],
    ["Lambda", "Lambda.Unknown", false],
  ])("%s and %s: %s", (name, error, matches) => {
    expect(errorMatches([name], error)).toBe(matches);
  });

  test("what the services throw unnamed is States.Runtime and ends the execution", async () => {
    const states = {
      T: task({ Catch: [{ ErrorEquals: ["States.ALL"], Next: "C" }] }),
      C: { Type: "Succeed" },
    };
    const result = await runStates(states, {}, { invoke: () => Promise.reject(new Error("surprise")) });
    expect(result).toMatchObject({ status: "FAILED", error: "States.Runtime" });
  });
});
