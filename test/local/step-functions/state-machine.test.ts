import { describe, expect, test } from "vitest";
import type { StartRefusedError } from "../../../local/step-functions/state-machine.ts";
import { machineOf, runStates, START, task } from "./machines.ts";

const WAIT = { W: { Type: "Wait", Seconds: 10, End: true } };
const DAY = 24 * 3_600_000;

describe("what it does not know fails at load", () => {
  test.each([
    ["a state type", { S: { Type: "Activity", End: true } }, /Invalid discriminator/],
    ["a field", { S: { Type: "Pass", Result: 1, End: true } }, /Unrecognized key: "Result"/],
    ["a JSONPath field", { S: { Type: "Pass", ResultPath: "$.x", End: true } }, /ResultPath/],
    [
      "a resource",
      { S: { Type: "Task", Resource: "arn:aws:states:::sns:publish", End: true } },
      /sns:publish/,
    ],
    ["an expression", { S: { Type: "Pass", Output: "{% $states. %}", End: true } }, /"Output" of state "S"/],
    ["half an expression", { S: { Type: "Pass", Output: "{% 1", End: true } }, /starts with {%/],
    ["a target", { S: { Type: "Pass", Next: "Nowhere" } }, /Nowhere/],
    ["no target", { S: { Type: "Pass" } }, /either Next or End/],
    [
      "a distributed map",
      {
        S: {
          Type: "Map",
          End: true,
          ItemProcessor: {
            ProcessorConfig: { Mode: "DISTRIBUTED" },
            StartAt: "A",
            States: { A: { Type: "Succeed" } },
          },
        },
      },
      /INLINE/,
    ],
    ["States.ALL among others", { S: task({ Retry: [{ ErrorEquals: ["States.ALL", "X"] }] }) }, /States.ALL/],
    [
      "hiding a variable",
      {
        S: { Type: "Pass", Assign: { v: 1 }, Next: "M" },
        M: {
          Type: "Map",
          End: true,
          ItemProcessor: { StartAt: "A", States: { A: { Type: "Pass", Assign: { v: 2 }, End: true } } },
        },
      },
      /\$v, a variable of an outer/,
    ],
  ])("%s", (_what, states, message) => {
    expect(() => machineOf(states)).toThrow(message);
  });

  test("a JSONPath machine", () => {
    expect(() => machineOf({ S: { Type: "Succeed" } }, { top: { QueryLanguage: "JSONPath" } })).toThrow(
      /JSONata/,
    );
  });
});

describe("names", () => {
  test("the same name and input while it runs is the same execution, otherwise the name is taken for 90 days", async () => {
    const { machine, clock } = machineOf(WAIT);
    const first = machine.startExecution({ name: "n", input: { a: 1 } });
    expect(machine.startExecution({ name: "n", input: { a: 1 } })).toBe(first);
    expect(() => machine.startExecution({ name: "n", input: { a: 2 } })).toThrow(/Already Exists/);
    await clock.runUntilSettled(first.result);
    expect(() => machine.startExecution({ name: "n", input: { a: 1 } })).toThrow(/Already Exists/);
    void clock.sleep(90 * DAY, new AbortController().signal);
    await clock.runUntil(START + 91 * DAY);
    expect(machine.startExecution({ name: "n", input: { a: 1 } })).not.toBe(first);
  });

  test.each(["", "a b", "a/b", "x".repeat(81)])("'%s' is no name", (name) => {
    const { machine } = machineOf(WAIT);
    expect(() => machine.startExecution({ name, input: {} })).toThrow(
      expect.objectContaining({ name: "InvalidName" }) as StartRefusedError,
    );
  });
});

/** A string whose JSON has this many bytes. */
const text = (bytes: number): string => "x".repeat(bytes - 2);

describe("limits", () => {
  test("256 KiB pass and one byte more does not, as input, result and output", async () => {
    const limit = 256 * 1024;
    const { machine } = machineOf(WAIT);
    expect(() => machine.startExecution({ input: text(limit + 1) })).toThrow(/maximum number of bytes/);
    const states = {
      T: task({ Catch: [{ ErrorEquals: ["States.ALL"], Next: "T2" }] }),
      T2: { Type: "Succeed" },
    };
    expect(await runStates({ T: task({}) }, {}, { invoke: async () => text(limit - 100) })).toMatchObject({
      status: "SUCCEEDED",
    });
    const over = await runStates(states, {}, { invoke: async () => text(limit + 1) });
    expect(over).toMatchObject({ status: "FAILED", error: "States.DataLimitExceeded" });
    const grown = { P: { Type: "Pass", Output: ["{% $states.input %}", "{% $states.input %}"], End: true } };
    expect(await runStates(grown, text(limit - 10))).toMatchObject({ error: "States.DataLimitExceeded" });
  });

  test("a loop ends at 25,000 events with an error that nothing catches", async () => {
    const loop = { A: { Type: "Pass", Next: "B" }, B: { Type: "Pass", Next: "A" } };
    const { machine, clock } = machineOf(loop);
    const execution = machine.startExecution({ input: {} });
    const result = await clock.runUntilSettled(execution.result);
    expect(result).toMatchObject({ status: "FAILED", error: "States.Runtime" });
    expect(execution.history.events).toHaveLength(25_000);
    expect(execution.history.events.at(-1)?.type).toBe("ExecutionFailed");
  });

  test("events are those that AWS records for a task", async () => {
    const { machine, clock } = machineOf({ T: task({}) }, { invoke: async () => 1 });
    const execution = machine.startExecution({ input: {} });
    await clock.runUntilSettled(execution.result);
    expect(execution.history.events.map(({ type }) => type)).toEqual([
      "ExecutionStarted",
      "TaskStateEntered",
      "TaskScheduled",
      "TaskStarted",
      "TaskSucceeded",
      "TaskStateExited",
      "ExecutionSucceeded",
    ]);
  });
});

describe("ending", () => {
  test("TimeoutSeconds of the machine", async () => {
    const { machine, clock } = machineOf(WAIT, { top: { TimeoutSeconds: 5 } });
    const execution = machine.startExecution({ input: {} });
    expect(await clock.runUntilSettled(execution.result)).toMatchObject({ status: "TIMED_OUT" });
    expect(clock.now() - START).toBe(5_000);
    expect(execution.status).toBe("TIMED_OUT");
  });

  test("stop aborts what runs, Maps included, and leaves no timer", async () => {
    const M = {
      Type: "Map",
      ItemProcessor: { StartAt: "W", States: WAIT },
      Retry: [{ ErrorEquals: ["States.ALL"] }],
      End: true,
    };
    const { machine, clock } = machineOf({ M });
    const execution = machine.startExecution({ input: [1, 2, 3] });
    await clock.runUntil(START + 1_000);
    expect(machine.runningCount).toBe(1);
    await machine.stop();
    expect(await execution.result).toMatchObject({ status: "ABORTED" });
    expect(machine.runningCount).toBe(0);
    expect(await clock.runUntil(START + DAY)).toBe(false);
    expect(machine.transitions).toBe(4);
  });
});
