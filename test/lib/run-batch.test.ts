import { describe, expect, test } from "vitest";
import { STAGE_LIMITS_MS } from "../../lambdas/domain/batch-watch.ts";
import { type Answers, type Call, fail, runMachine } from "./machines.ts";

const batch = { batchId: "b-1", generation: 1 };

function running(answers: Answers = {}) {
  return runMachine("RunBatch", batch, {
    WriteBatch: () => null,
    SubmitBatch: () => ({ kind: "submitted" }),
    PollBatch: () => ({ phase: "ended", waitSeconds: 15 }),
    CollectResults: () => ({ parts: 2 }),
    SettlePart: (payload) => payload,
    CloseBatch: () => null,
    ...answers,
  });
}

const namesOf = (calls: readonly Call[]) => calls.map(({ name }) => name);
const callsOf = (calls: readonly Call[], wanted: string) => calls.filter(({ name }) => name === wanted);

test("writes, submits, polls, collects, settles each part, closes; each is told the batch and its generation", async () => {
  const { result, calls } = await running();
  expect(result.status).toBe("SUCCEEDED");
  expect(calls.map(({ name, payload }) => [name, payload])).toEqual([
    ["WriteBatch", batch],
    ["SubmitBatch", batch],
    ["PollBatch", { ...batch, polls: 0 }],
    ["CollectResults", batch],
    ["SettlePart", { ...batch, part: 0 }],
    ["SettlePart", { ...batch, part: 1 }],
    ["CloseBatch", batch],
  ]);
});

test("a batch whose input cannot be written is not submitted", async () => {
  const { result, calls } = await running({ WriteBatch: () => fail("MissingRecordError") });
  expect(result).toMatchObject({ status: "FAILED", error: "MissingRecordError" });
  expect(namesOf(calls)).toEqual(["WriteBatch"]);
});

test("a write that fails for a while is tried again", async () => {
  const { result, calls } = await running({
    WriteBatch: (_payload, nth) => (nth < 3 ? fail("RetryableError") : null),
  });
  expect(result.status).toBe("SUCCEEDED");
  expect(callsOf(calls, "WriteBatch")).toHaveLength(4);
});

test("a batch that the provider refused is not polled", async () => {
  const { result, calls } = await running({ SubmitBatch: () => ({ kind: "refused" }) });
  expect(result.status).toBe("SUCCEEDED");
  expect(namesOf(calls)).not.toContain("PollBatch");
  expect(namesOf(calls)).toContain("CollectResults");
});

describe("polling", () => {
  test("waits as long as it is told, and counts its looks", async () => {
    const { calls } = await running({
      PollBatch: (_payload, nth) => ({ phase: nth < 3 ? "running" : "ended", waitSeconds: 10 * (nth + 1) }),
    });
    const polls = callsOf(calls, "PollBatch");
    expect(polls.map(({ at }) => at)).toEqual([0, 10, 30, 60]);
    expect(polls.map(({ payload }) => payload)).toEqual([0, 1, 2, 3].map((polls) => ({ ...batch, polls })));
  });

  test.each(["TerminalError", "States.TaskFailed", "Lambda.TooManyRequestsException"])(
    "a look that fails with %s is repeated a minute later",
    async (name) => {
      const { result, calls } = await running({
        PollBatch: (_payload, nth) => (nth < 2 ? fail(name) : { phase: "ended", waitSeconds: 15 }),
      });
      expect(result.status).toBe("SUCCEEDED");
      expect(callsOf(calls, "PollBatch").map(({ at }) => at)).toEqual([0, 60, 120]);
    },
  );

  test("ends with the execution's time-out when the batch never does", async () => {
    const { result, seconds } = await running({ PollBatch: () => ({ phase: "running", waitSeconds: 300 }) });
    expect(result.status).toBe("TIMED_OUT");
    expect(seconds).toBe(49 * 3600);
  });

  test("has time for every stage's limit, and an hour to settle", async () => {
    const { seconds } = await running({ PollBatch: () => ({ phase: "running", waitSeconds: 300 }) });
    const watched = Object.values(STAGE_LIMITS_MS).reduce((sum, limit) => sum + limit, 0);
    expect(watched / 1000 + 3600).toBeLessThanOrEqual(seconds);
  });
});

describe("settling", () => {
  test.each([0, 1, 12])("%i parts", async (parts) => {
    const { result, calls } = await running({ CollectResults: () => ({ parts }) });
    expect(result.status).toBe("SUCCEEDED");
    const settled = callsOf(calls, "SettlePart").map(({ payload }) => payload);
    expect(settled).toEqual(Array.from({ length: parts }, (_, part) => ({ ...batch, part })));
    expect(namesOf(calls).at(-1)).toBe("CloseBatch");
  });

  test("all parts are tried, but a batch with an unsettled one is not closed", async () => {
    const { result, calls } = await running({
      CollectResults: () => ({ parts: 3 }),
      SettlePart: (payload) => (JSON.stringify(payload).includes('"part":1') ? fail("TerminalError") : null),
    });
    expect(result).toMatchObject({
      status: "FAILED",
      error: "PartsUnsettled",
      cause: "1 parts could not be settled",
    });
    expect(callsOf(calls, "SettlePart")).toHaveLength(3);
    expect(namesOf(calls)).not.toContain("CloseBatch");
  });
});

test("a submission waits for the lease of one that died", async () => {
  const { result, calls } = await running({
    SubmitBatch: (_payload, nth) => (nth < 20 ? fail("LeaseHeldError") : { kind: "submitted" }),
  });
  expect(result.status).toBe("SUCCEEDED");
  expect(callsOf(calls, "SubmitBatch").at(-1)?.at).toBeGreaterThan(16 * 60);
});
