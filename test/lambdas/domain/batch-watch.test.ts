import { describe, expect, test } from "vitest";
import {
  decideWatch,
  ORPHAN_WATCH_MS,
  STAGE_LIMITS_MS,
  type Watch,
} from "../../../lambdas/domain/batch-watch.ts";
import type { BatchRecord, ProviderBatch } from "../../../lambdas/domain/batch-record.ts";
import { aPlan } from "../../contracts/sample-records.ts";
import { aProviderBatch, NOON } from "./provider-batches.ts";

const RUNNING = ["validating", "in-progress", "finalizing", "cancelling"] as const;
const plan = aPlan(1);
const orphan = aPlan(2, "openai-main", { orphanOf: plan.batchId });

/** What is decided `after` milliseconds in a stage; `cancelled`: milliseconds ago that we asked for its end. */
function watchOf(
  stage: ProviderBatch["stage"],
  after: number,
  { cancelled, of = plan }: { readonly cancelled?: number; readonly of?: BatchRecord["plan"] } = {},
): Watch {
  const now = NOON + after;
  const cancelAt = cancelled === undefined ? null : now - cancelled;
  return decideWatch(aProviderBatch({ stage, stageSince: NOON }), { cancelAt, plan: of }, now);
}

describe("a batch of ours", () => {
  test.each(RUNNING)("%s is waited for until its clock is over, and cancelled from then on", (stage) => {
    const limit = STAGE_LIMITS_MS[stage];
    expect([watchOf(stage, 0), watchOf(stage, limit - 1)]).toEqual(["wait", "wait"]);
    expect([watchOf(stage, limit), watchOf(stage, 2 * limit)]).toEqual(["cancel", "cancel"]);
  });

  test("each stage has a clock of its own: a new stage begins a new one", () => {
    const seen = aProviderBatch({ stage: "finalizing", stageSince: NOON });
    const before = NOON - STAGE_LIMITS_MS["in-progress"];
    expect(decideWatch({ ...seen, createdAt: before }, { cancelAt: null, plan }, NOON)).toBe("wait");
  });

  test.each(["validating", "in-progress", "finalizing"] as const)(
    "a cancel that did not reach it while %s is asked for again, and not without end",
    (stage) => {
      expect(watchOf(stage, 0, { cancelled: 1 })).toBe("cancel");
      expect(watchOf(stage, 0, { cancelled: STAGE_LIMITS_MS.cancelling })).toBe("abandon");
    },
  );

  test("one that is being cancelled is waited for, and given up in the end", () => {
    const limit = STAGE_LIMITS_MS.cancelling;
    expect(watchOf("cancelling", limit * 2, { cancelled: limit - 1 })).toBe("wait");
    expect(watchOf("cancelling", limit * 2, { cancelled: limit })).toBe("abandon");
  });
});

describe("a batch whose jobs move to a faster lane", () => {
  const dues = [
    { due: NOON, jobs: 1, tokens: 10 },
    { due: NOON + 1, jobs: 1, tokens: 10 },
  ];
  const watch = (stage: ProviderBatch["stage"], fields: Partial<BatchRecord>) =>
    decideWatch(
      aProviderBatch({ stage, stageSince: NOON }),
      { cancelAt: null, plan: { ...plan, dues }, ...fields },
      NOON,
    );

  test.each(["validating", "in-progress"] as const)(
    "is waited for while one of them is left, and cancelled %s when none is",
    (stage) => {
      expect(watch(stage, { escalatedUntil: null })).toBe("wait");
      expect(watch(stage, { escalatedUntil: NOON })).toBe("wait");
      expect(watch(stage, { escalatedUntil: NOON + 1 })).toBe("cancel");
    },
  );

  test("is let finish when it is only writing down what it has done", () => {
    expect(watch("finalizing", { escalatedUntil: NOON + 1 })).toBe("wait");
  });

  test("is not cancelled while it may be somebody else's", () => {
    expect(watch("in-progress", { escalatedUntil: NOON + 1, isProvisional: true })).toBe("wait");
  });
});

describe("an orphan", () => {
  test.each(["validating", "in-progress", "finalizing"] as const)(
    "is cancelled as soon as it is seen %s: its requests run elsewhere",
    (stage) => {
      expect(watchOf(stage, 0, { of: orphan })).toBe("cancel");
    },
  );

  test("is watched for longer than a batch that somebody waits for", () => {
    expect(ORPHAN_WATCH_MS).toBeGreaterThan(STAGE_LIMITS_MS.cancelling);
    expect(watchOf("cancelling", 0, { of: orphan, cancelled: STAGE_LIMITS_MS.cancelling })).toBe("wait");
    expect(watchOf("cancelling", 0, { of: orphan, cancelled: ORPHAN_WATCH_MS - 1 })).toBe("wait");
    expect(watchOf("cancelling", 0, { of: orphan, cancelled: ORPHAN_WATCH_MS })).toBe("abandon");
  });
});

test.each([plan, orphan])(
  "what has ended is collected, however late it is seen and whatever was asked",
  (of) => {
    const ended = aProviderBatch({ phase: "ended", stage: "ended", stageSince: NOON });
    for (const cancelAt of [null, NOON])
      expect(decideWatch(ended, { cancelAt, plan: of }, NOON + 2 * ORPHAN_WATCH_MS)).toBe("collect");
  },
);
