import { describe, expect, test } from "vitest";
import { StatesError } from "../../../local/step-functions/states-error.ts";
import { INVOKE, machineOf, runStates, START, task } from "./machines.ts";

const startTask = (Resource: string, Input: unknown, Next: object): object => ({
  Type: "Task",
  Resource,
  Arguments: { StateMachineArn: "m", Name: "n", Input },
  Catch: [{ ErrorEquals: ["States.ALL"], Next: "Caught", Output: "{% $states.errorOutput.Error %}" }],
  ...Next,
});

const branch = (name: string, state: object): object => ({ StartAt: name, States: { [name]: state } });

describe("data", () => {
  test("expressions are evaluated at every depth, other strings stand as they are", async () => {
    const Output = {
      a: ["{% $states.input.x + 1 %}", "$states.input.x"],
      b: { c: "{% $states.input.list[1] %}" },
    };
    const result = await runStates({ P: { Type: "Pass", Output, End: true } }, { x: 1, list: [7, 8] });
    expect(result).toEqual({ status: "SUCCEEDED", output: { a: [2, "$states.input.x"], b: { c: 8 } } });
  });

  test("Assign and Output both see the variables as they were", async () => {
    const result = await runStates(
      {
        A: { Type: "Pass", Assign: { n: 1 }, Next: "B" },
        B: { Type: "Pass", Assign: { n: "{% $n + 1 %}", old: "{% $n %}" }, Output: "{% $n %}", Next: "C" },
        C: { Type: "Pass", Output: ["{% $states.input %}", "{% $n %}", "{% $old %}"], End: true },
      },
      {},
    );
    expect(result).toEqual({ status: "SUCCEEDED", output: [1, 2, 1] });
  });

  test("an expression that yields nothing fails as a query evaluation", async () => {
    const result = await runStates({ P: { Type: "Pass", Output: "{% $states.input.no %}", End: true } }, {});
    expect(result).toMatchObject({ status: "FAILED", error: "States.QueryEvaluationError" });
  });

  test("the context names execution, machine and state, by the machine's clock", async () => {
    const { machine, clock } = machineOf({ P: { Type: "Pass", Output: "{% $states.context %}", End: true } });
    const execution = machine.startExecution({ name: "e1", input: { a: 1 } });
    const time = new Date(START).toISOString();
    expect(await clock.runUntilSettled(execution.result)).toEqual({
      status: "SUCCEEDED",
      output: {
        Execution: {
          Id: execution.arn,
          Input: { a: 1 },
          Name: "e1",
          RedriveCount: 0,
          RoleArn: "",
          StartTime: time,
        },
        StateMachine: { Id: machine.arn, Name: "machine" },
        State: { EnteredTime: time, Name: "P", RetryCount: 0 },
      },
    });
    expect(execution.arn).toBe("arn:aws:states:us-east-1:123456789012:execution:machine:e1");
  });

  test("Step Functions' own functions", async () => {
    const Output = {
      partition: "{% $partition([1,2,3,4,5], 2) %}",
      range: "{% $range(0, 10, 5) %}",
      down: "{% $range(3, 1, -1) %}",
      hash: "{% $hash('abc', 'SHA-1') %}",
      parse: "{% $parse('{\"a\":[1]}').a %}",
      random: "{% $random() %}",
      seeded: "{% $random(7) = $random(7) %}",
      uuid: "{% $uuid() %}",
      now: "{% $now() %}",
      picture: "{% $now('[Y0001]-[M01]-[D01]') %}",
      millis: "{% $millis() %}",
    };
    const result = await runStates({ P: { Type: "Pass", Output, End: true } }, {}, { random: () => 0.5 });
    expect(result).toEqual({
      status: "SUCCEEDED",
      output: {
        partition: [[1, 2], [3, 4], [5]],
        range: [0, 5, 10],
        down: [3, 2, 1],
        hash: "a9993e364706816aba3e25717850c26c9cd0d89d",
        parse: [1],
        random: 0.5,
        seeded: true,
        uuid: "88888888-8888-4888-8888-888888888888",
        now: "2026-11-21T00:00:00.000Z",
        picture: "2026-11-21",
        millis: START,
      },
    });
  });

  test("$eval is not there", async () => {
    const result = await runStates({ P: { Type: "Pass", Output: "{% $eval('1') %}", End: true } }, {});
    expect(result).toMatchObject({ status: "FAILED", error: "States.QueryEvaluationError" });
  });
});

describe("Task", () => {
  test("lambda:invoke shows its payload, a function's ARN its result", async () => {
    const arn = "arn:aws:lambda:us-east-1:123456789012:function:plain";
    const calls: unknown[] = [];
    const result = await runStates(
      {
        A: { Type: "Task", Resource: INVOKE, Arguments: { FunctionName: "f", Payload: { q: 1 } }, Next: "B" },
        B: { Type: "Task", Resource: arn, Arguments: "{% $states.input.Payload %}", End: true },
      },
      {},
      {
        invoke: async (name, payload) => {
          calls.push([name, payload]);
          return { from: name };
        },
      },
    );
    expect(calls).toEqual([
      ["f", { q: 1 }],
      [arn, { from: "f" }],
    ]);
    expect(result).toEqual({ status: "SUCCEEDED", output: { from: arn } });
  });

  test("startExecution by both integrations, with their own error names", async () => {
    const started: unknown[] = [];
    const states = {
      A: startTask("arn:aws:states:::states:startExecution", { a: 1 }, { Next: "B" }),
      B: startTask("arn:aws:states:::aws-sdk:sfn:startExecution", '{"a":2}', { End: true }),
      Caught: { Type: "Succeed" },
    };
    const { machine, clock } = machineOf(states, {
      services: {
        invokeFunction: () => Promise.reject(new Error("no function")),
        startExecution: async (request) => {
          started.push(request);
          if (started.length === 2) throw new StatesError("ExecutionAlreadyExists", "taken");
          return { executionArn: "e", startDate: "2026-11-21T00:00:00Z" };
        },
      },
    });
    const result = await clock.runUntilSettled(machine.startExecution({ input: {} }).result);
    expect(started).toEqual([
      { stateMachineArn: "m", name: "n", input: { a: 1 } },
      { stateMachineArn: "m", name: "n", input: { a: 2 } },
    ]);
    expect(result).toEqual({ status: "SUCCEEDED", output: "Sfn.ExecutionAlreadyExistsException" });
  });

  test("a task that overruns TimeoutSeconds fails with States.Timeout and is told so", async () => {
    let told = false;
    const result = await runStates(
      { T: task({ TimeoutSeconds: "{% $states.input.s %}" }) },
      { s: 30 },
      {
        invoke: (_name, _payload, signal) =>
          new Promise(() => signal.addEventListener("abort", () => void (told = true))),
      },
    );
    expect(result).toMatchObject({ status: "FAILED", error: "States.Timeout" });
    expect(told).toBe(true);
  });
});

describe("Choice", () => {
  const states = {
    C: {
      Type: "Choice",
      Choices: [
        { Condition: "{% $states.input > 10 %}", Next: "End", Output: "big", Assign: { by: "rule" } },
        { Condition: "{% $states.input > 5 %}", Next: "End" },
      ],
      Default: "End",
      Output: "small",
      Assign: { by: "default" },
    },
    End: { Type: "Succeed", Output: ["{% $states.input %}", "{% $exists($by) ? $by : 'nobody' %}"] },
  };

  test.each([
    [11, ["big", "rule"]],
    [6, [6, "nobody"]],
    [1, ["small", "default"]],
  ])(
    "%s takes the first rule that holds, or the Default with the state's own Output",
    async (input, output) => {
      expect(await runStates(states, input)).toEqual({ status: "SUCCEEDED", output });
    },
  );

  test("without a match or a Default it fails", async () => {
    const { Default: _, ...rest } = states.C;
    expect(await runStates({ ...states, C: rest }, 0)).toMatchObject({ error: "States.NoChoiceMatched" });
  });

  test("a condition that is not a boolean fails", async () => {
    const C = { Type: "Choice", Choices: [{ Condition: "{% 'yes' %}", Next: "E" }] };
    const result = await runStates({ C, E: { Type: "Succeed" } }, 0);
    expect(result).toMatchObject({ error: "States.QueryEvaluationError" });
  });
});

describe("Wait", () => {
  test("Seconds are divided by the speed; a Timestamp stands", async () => {
    const states = {
      S: { Type: "Wait", Seconds: "{% $states.input.seconds %}", Next: "T" },
      T: { Type: "Wait", Timestamp: "{% $states.input.until %}", End: true },
    };
    const { machine, clock } = machineOf(states, { speed: 60 });
    const execution = machine.startExecution({ input: { seconds: 120, until: "2026-11-21T01:00:00Z" } });
    await clock.runUntilSettled(execution.result);
    const exits = execution.history.events.filter(({ type }) => type === "WaitStateExited");
    expect(exits.map(({ timestamp }) => timestamp - START)).toEqual([2_000, 3_600_000]);
  });

  test("24 hours of polling pass at once", async () => {
    const states = {
      Wait: { Type: "Wait", Seconds: 300, Assign: { n: "{% ($exists($n) ? $n : 0) + 1 %}" }, Next: "More" },
      More: { Type: "Choice", Choices: [{ Condition: "{% $n < 288 %}", Next: "Wait" }], Default: "Done" },
      Done: { Type: "Succeed", Output: "{% $n %}" },
    };
    const { machine, clock } = machineOf(states);
    const execution = machine.startExecution({ input: {} });
    expect(await clock.runUntilSettled(execution.result)).toEqual({ status: "SUCCEEDED", output: 288 });
    expect(clock.now() - START).toBe(24 * 3_600_000);
    expect(execution.history.transitions).toBe(2 * 288 + 1);
  });
});

describe("Map", () => {
  const processor = { StartAt: "Work", States: { Work: task({}) } };

  test("runs the items in order of results, at most MaxConcurrency at a time", async () => {
    let running = 0;
    let most = 0;
    const { machine, clock } = machineOf(
      {
        M: {
          Type: "Map",
          Items: "{% $states.input.items %}",
          ItemSelector: {
            value: "{% $states.context.Map.Item.Value %}",
            at: "{% $states.context.Map.Item.Index %}",
          },
          MaxConcurrency: 3,
          ItemProcessor: processor,
          Output: "{% $sum($states.result) %}",
          End: true,
        },
      },
      {
        invoke: async (_name, payload) => {
          most = Math.max(most, (running += 1));
          const { value, at } = payload as { value: number; at: number };
          await clock.sleep(1000 * (10 - at), new AbortController().signal);
          running -= 1;
          return value * 10 ** at;
        },
      },
    );
    const execution = machine.startExecution({ input: { items: [1, 2, 3, 4] } });
    expect(await clock.runUntilSettled(execution.result)).toEqual({ status: "SUCCEEDED", output: 4321 });
    expect(most).toBe(3);
  });

  test("the first failure ends it and stops the other iterations", async () => {
    let ended = 0;
    const { machine, clock } = machineOf(
      {
        M: {
          Type: "Map",
          ItemProcessor: processor,
          End: true,
          Catch: [{ ErrorEquals: ["Bad"], Next: "Caught" }],
        },
        Caught: { Type: "Pass", End: true },
      },
      {
        invoke: async (_name, payload) => {
          if (payload === 2) throw new StatesError("Bad", "two");
          await clock.sleep(1000, new AbortController().signal);
          ended += 1;
          return null;
        },
      },
    );
    const execution = machine.startExecution({ input: [1, 2, 3] });
    const result = await clock.runUntilSettled(execution.result);
    expect(result).toEqual({ status: "SUCCEEDED", output: { Error: "Bad", Cause: "two" } });
    expect(ended).toBe(0);
    expect(execution.history.events.filter(({ type }) => type === "TaskStateExited")).toEqual([]);
  });

  test("an iteration reads outer variables and keeps its own to itself", async () => {
    const states = {
      A: { Type: "Pass", Assign: { outer: 5 }, Next: "M" },
      M: {
        Type: "Map",
        ItemProcessor: {
          StartAt: "Set",
          States: {
            Set: { Type: "Pass", Assign: { mine: "{% $states.input * $outer %}" }, Next: "Get" },
            Get: { Type: "Pass", Output: "{% $mine %}", End: true },
          },
        },
        Next: "After",
      },
      After: { Type: "Pass", Output: ["{% $states.input %}", "{% $exists($mine) %}"], End: true },
    };
    expect(await runStates(states, [1, 2, 3])).toEqual({ status: "SUCCEEDED", output: [[5, 10, 15], false] });
  });

  test("no items make an empty result, and items that are no array fail", async () => {
    const M = { Type: "Map", ItemProcessor: processor, End: true };
    expect(await runStates({ M }, [])).toEqual({ status: "SUCCEEDED", output: [] });
    expect(await runStates({ M }, { a: 1 })).toMatchObject({ error: "States.QueryEvaluationError" });
  });
});

test("Parallel gives each branch the input and collects in order; a Fail in one ends all", async () => {
  const ok = {
    Type: "Parallel",
    Branches: [branch("A", { Type: "Pass", Output: "a", End: true }), branch("B", { Type: "Succeed" })],
  };
  expect(await runStates({ P: { ...ok, End: true } }, 1)).toEqual({ status: "SUCCEEDED", output: ["a", 1] });
  const fail = branch("F", { Type: "Fail", Error: "{% 'No' & $states.input %}", Cause: "because" });
  const wait = branch("W", { Type: "Wait", Seconds: 5, End: true });
  const result = await runStates({ P: { Type: "Parallel", Branches: [wait, fail], End: true } }, 1);
  expect(result).toEqual({ status: "FAILED", error: "No1", cause: "because" });
});
