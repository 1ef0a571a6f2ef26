import { expect, test } from "vitest";
import { z } from "zod";
import { type Answers, type Call, fail, runMachine } from "./machines.ts";

const START = { scheduledTime: "2026-11-21T12:05:00Z" };
const windowId = "20261121T120500Z";

function assembling(batches: readonly string[], answers: Answers = {}) {
  return runMachine("AssembleWindow", START, {
    FreezeWindow: () => ({ windowId }),
    PlanWindow: () => ({ windowId, batches: [...batches] }),
    startExecution: () => null,
    CloseWindow: () => null,
    ...answers,
  });
}

const namesOf = (calls: readonly Call[]) => calls.map(({ name }) => name);
const payloadsOf = (calls: readonly Call[], name: string) =>
  calls.filter((call) => call.name === name).map(({ payload }) => payload);
const nameIn = (payload: Call["payload"]) => z.object({ name: z.string() }).parse(payload).name;

test("freezes, plans, starts the run of each batch, closes", async () => {
  const { result, calls } = await assembling(["b-1", "b-2"]);
  expect(result.status).toBe("SUCCEEDED");
  expect(payloadsOf(calls, "FreezeWindow")).toEqual([START]);
  expect(payloadsOf(calls, "PlanWindow")).toEqual([{ windowId }]);
  expect(payloadsOf(calls, "startExecution")).toEqual([
    { name: "b-1-1", input: { batchId: "b-1", generation: 1 } },
    { name: "b-2-1", input: { batchId: "b-2", generation: 1 } },
  ]);
  expect(calls.at(-1)).toMatchObject({ name: "CloseWindow", payload: { windowId } });
});

test("goes no further when no segment waits", async () => {
  const { result, calls } = await assembling([], { FreezeWindow: () => ({ windowId: null }) });
  expect(result.status).toBe("SUCCEEDED");
  expect(namesOf(calls)).toEqual(["FreezeWindow"]);
});

test("closes a window that makes no batch, and one that makes a single one", async () => {
  expect(namesOf((await assembling([])).calls)).toEqual(["FreezeWindow", "PlanWindow", "CloseWindow"]);
  const single = namesOf((await assembling(["b-1"])).calls);
  expect(single).toEqual(["FreezeWindow", "PlanWindow", "startExecution", "CloseWindow"]);
});

test("a batch that cannot be started is left to the sweeper: the others are started, and the window closes", async () => {
  const { result, calls } = await assembling(["b-1", "b-2"], {
    startExecution: (payload) =>
      JSON.stringify(payload).includes("b-1") ? fail("StateMachineDeleting") : null,
  });
  expect(result.status).toBe("SUCCEEDED");
  // Once, and again as often as such a call is retried.
  expect(payloadsOf(calls, "startExecution").filter((payload) => nameIn(payload) === "b-1-1")).toHaveLength(
    5,
  );
  expect(payloadsOf(calls, "startExecution").map(nameIn)).toContain("b-2-1");
  expect(namesOf(calls).at(-1)).toBe("CloseWindow");
});

test("a batch that an earlier run started is not tried again", async () => {
  const { result, calls } = await assembling(["b-1"], {
    startExecution: () => fail("ExecutionAlreadyExists"),
  });
  expect(result.status).toBe("SUCCEEDED");
  expect(payloadsOf(calls, "startExecution")).toHaveLength(1);
});

test("what passes is retried with growing waits, what is terminal is not", async () => {
  const passing = await assembling([], {
    PlanWindow: (_payload, nth) => (nth < 3 ? fail("LeaseHeldError") : { windowId, batches: [] }),
  });
  expect(passing.result.status).toBe("SUCCEEDED");
  expect(passing.calls.filter(({ name }) => name === "PlanWindow").map(({ at }) => at)).toEqual([0, 1, 3, 7]);
  const terminal = await assembling([], { PlanWindow: () => fail("MissingRecordError") });
  expect(terminal.result).toMatchObject({ status: "FAILED", error: "MissingRecordError" });
  expect(payloadsOf(terminal.calls, "PlanWindow")).toHaveLength(1);
});
