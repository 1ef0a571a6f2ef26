import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  backlogOf,
  cutOffsOf,
  drainMs,
  dueForEscalation,
  dueSteps,
  type EscalationPace,
  isDueBy,
  isWaitedFor,
  laneInTime,
  lateBatchReason,
  stopOf,
} from "../../../lambdas/domain/cut-offs.ts";
import { pollWaitSeconds } from "../../../lambdas/domain/poll-schedule.ts";
import { aPlan } from "../../contracts/sample-records.ts";
import { NOON } from "./provider-batches.ts";

const MINUTE = 60_000;
const NO_LOOKS = { cutOffs: [], stopAt: null, isStopping: false };
const HOUR = 60 * MINUTE;
const PACE: EscalationPace = {
  jobsPerSecond: 10,
  marginMs: 5 * MINUTE,
  callMs: { flex: 12 * MINUTE, sync: MINUTE },
  stopMs: 17 * MINUTE,
};

/** A plan made at noon with so many jobs due after so many minutes. */
function planOf(steps: readonly (readonly [minutes: number, jobs: number])[]) {
  const dues = steps.map(([minutes, jobs]) => ({ due: NOON + minutes * MINUTE, jobs, tokens: jobs * 100 }));
  return {
    plannedAt: NOON,
    earliestDue: dues[0]!.due,
    requests: dues.reduce((sum, { jobs }) => sum + jobs, 0),
    dues,
  };
}

const minutesOf = (at: number) => (at - NOON) / MINUTE;
const cutsOf = (plan: ReturnType<typeof planOf>, offersFlex: boolean) =>
  cutOffsOf(plan, PACE, offersFlex).map(({ due, at, lane }) => [minutesOf(due), minutesOf(at), lane]);

describe("the cut-offs of a batch", () => {
  test("leave time for the drain, one call and the margin: flex needs more than sync", () => {
    const plan = planOf([[60, 600]]);
    expect(cutsOf(plan, true)).toEqual([[60, 42, "flex"]]);
    expect(cutsOf(plan, false)).toEqual([[60, 53, "sync"]]);
  });

  test("count what is due earlier: it goes through the same lane first", () => {
    const plan = planOf([
      [60, 600],
      [90, 1200],
    ]);
    expect(cutsOf(plan, false)).toEqual([
      [60, 53, "sync"],
      [90, 81, "sync"],
    ]);
  });

  test("where flex would take the batch's own half, are those of sync", () => {
    expect(cutsOf(planOf([[30, 600]]), true)).toEqual([[30, 23, "sync"]]);
  });

  test("never take the batch's own half, though the lane cannot take all in time", () => {
    expect(cutsOf(planOf([[60, 50_000]]), true)).toEqual([[60, 30, "sync"]]);
  });

  test("are none of its own for what was overdue when it was planned, which moves along with what comes later", () => {
    const plan = planOf([
      [-30, 10],
      [0, 10],
      [60, 580],
    ]);
    expect(cutsOf(plan, false)).toEqual([[60, 53, "sync"]]);
  });

  test("of a plan that does not say what is due when, are one, for all of it", () => {
    const plan = { plannedAt: NOON, earliestDue: NOON + HOUR, requests: 600 };
    expect(dueSteps(plan)).toEqual([{ due: NOON + HOUR, jobs: 600 }]);
    expect(minutesOf(cutOffsOf(plan, PACE, false)[0]!.at)).toBe(53);
    expect(isDueBy({}, NOON + 9 * HOUR, NOON + HOUR)).toBe(true);
    expect(isDueBy(planOf([[60, 1]]), NOON + 9 * HOUR, NOON + HOUR)).toBe(false);
  });

  test("come earlier by what other batches put on the same lanes", () => {
    const plan = planOf([[60, 600]]);
    const backlog = backlogOf([...plan.dues, { due: NOON + 59 * MINUTE, jobs: 1200 }]);
    expect(cutOffsOf(plan, PACE, false, backlog).map(({ at }) => minutesOf(at))).toEqual([51]);
  });
});

const arbitraryPlan = fc
  .array(fc.tuple(fc.integer({ min: -60, max: 1500 }), fc.integer({ min: 1, max: 20_000 })), {
    minLength: 1,
    maxLength: 64,
  })
  .map((steps) => planOf(steps.toSorted(([a], [b]) => a - b)));

test("every cut-off lies in the second half of the time, leaves its lane in time unless the half forbids it, and none is lost", () => {
  fc.assert(
    fc.property(arbitraryPlan, fc.boolean(), (plan, offersFlex) => {
      const cutOffs = cutOffsOf(plan, PACE, offersFlex);
      const backlog = backlogOf(plan.dues);
      expect(cutOffs.map(({ due }) => due)).toEqual(
        plan.dues.map(({ due }) => due).filter((due) => due > NOON),
      );
      for (const { due, at, lane } of cutOffs) {
        const half = NOON + (due - NOON) / 2;
        expect(at).toBeGreaterThanOrEqual(half);
        expect(at).toBeLessThanOrEqual(due);
        if (!offersFlex) expect(lane).toBe("sync");
        const done = at + drainMs(backlog(due), PACE) + PACE.marginMs + PACE.callMs[lane];
        if (at > half) expect(done).toBeCloseTo(due, 0);
      }
    }),
  );
});

describe("what must move", () => {
  test("is everything due by the latest cut-off that was reached, and nothing twice", () => {
    fc.assert(
      fc.property(
        arbitraryPlan,
        fc.boolean(),
        fc.integer({ min: 0, max: 1600 * MINUTE }),
        fc.option(fc.integer({ min: -60 * MINUTE, max: 1600 * MINUTE })),
        (plan, offersFlex, sinceNoon, escalated) => {
          const now = NOON + sinceNoon;
          const escalatedUntil = escalated === null ? null : NOON + escalated;
          const cutOffs = cutOffsOf(plan, PACE, offersFlex);
          const until = dueForEscalation(cutOffs, escalatedUntil, now);
          const left = cutOffs.filter(
            ({ due }) => due > Math.max(escalatedUntil ?? -Infinity, until ?? -Infinity),
          );
          expect(left.filter(({ at }) => at <= now)).toEqual([]);
          if (until === null) return;
          expect(until).toBeGreaterThan(escalatedUntil ?? -Infinity);
          expect(cutOffs.some(({ due, at }) => due === until && at <= now)).toBe(true);
        },
      ),
    );
  });

  test("is nothing a moment before the cut-off", () => {
    const cutOffs = cutOffsOf(planOf([[60, 600]]), PACE, false);
    expect(dueForEscalation(cutOffs, null, NOON + 53 * MINUTE - 1)).toBeNull();
    expect(dueForEscalation(cutOffs, null, NOON + 53 * MINUTE)).toBe(NOON + HOUR);
    expect(dueForEscalation(cutOffs, NOON + HOUR, NOON + 2 * HOUR)).toBeNull();
  });

  test("goes by flex while a call there ends in time, also when the look came minutes late", () => {
    const due = NOON + HOUR;
    const lane = (minutes: number, offersFlex = true) =>
      laneInTime(due, 600, PACE, offersFlex, NOON + minutes * MINUTE);
    expect([lane(42), lane(47), lane(48), lane(70)]).toEqual(["flex", "flex", "sync", "sync"]);
    expect(lane(42, false)).toBe("sync");
  });
});

test("a batch is waited for until its last due time has moved", () => {
  const plan = {
    ...aPlan(1),
    ...planOf([
      [60, 2],
      [90, 1],
    ]),
  };
  const waits = (escalatedUntil: number | null) => isWaitedFor({ plan, escalatedUntil });
  expect([waits(null), waits(NOON + 60 * MINUTE), waits(NOON + 90 * MINUTE)]).toEqual([true, true, false]);
});

test("the reason says how long before the due time", () => {
  const reason = (ms: number) => lateBatchReason("b-1", NOON, NOON - ms);
  expect(reason(12.5 * MINUTE)).toBe("its batch b-1 was not done 12 min before the due time");
  expect(reason(30_000)).toBe("its batch b-1 was not done 30 s before the due time");
  expect(reason(0)).toBe("its batch b-1 was not done by the due time");
});

describe("a batch that is not done is stopped", () => {
  const stopAfter = (steps: readonly (readonly [minutes: number, jobs: number])[], offersFlex: boolean) => {
    const stop = stopOf(planOf(steps), PACE, offersFlex);
    return stop && [minutesOf(stop.at), stop.lane];
  };

  test("while there is time to stop it, to plan what it has not done, and for a direct call", () => {
    expect(stopAfter([[60, 600]], true)).toEqual([30, "flex"]);
    expect(stopAfter([[60, 600]], false)).toEqual([41, "sync"]);
  });

  test("not before it had two fifths of its time: then for sync, or not at all", () => {
    expect(stopAfter([[45, 600]], true)).toEqual([26, "sync"]);
    expect(stopAfter([[30, 600]], true)).toBeNull();
  });

  test("not while some of its jobs have much more time than others, nor for what was overdue", () => {
    expect(
      stopAfter(
        [
          [60, 10],
          [90, 10],
        ],
        false,
      )?.[1],
    ).toBe("sync");
    expect(
      stopAfter(
        [
          [60, 10],
          [91, 10],
        ],
        false,
      ),
    ).toBeNull();
    expect(
      stopAfter(
        [
          [-1, 10],
          [60, 10],
        ],
        false,
      ),
    ).toBeNull();
  });
});

describe("the wait until the next look", () => {
  test("ends when the batch is to be stopped, and is a minute at most while it stops", () => {
    const stopAt = NOON + 2 * MINUTE;
    expect(pollWaitSeconds(40, { ...NO_LOOKS, stopAt }, NOON)).toBe(120);
    expect(pollWaitSeconds(40, { ...NO_LOOKS, isStopping: true }, NOON)).toBe(60);
    expect(pollWaitSeconds(0, { ...NO_LOOKS, stopAt: NOON + 1 }, NOON)).toBe(15);
  });

  test("grows from a minute to five: ten looks find a batch that is done within half an hour", () => {
    const waits = Array.from({ length: 10 }, (_, polls) => pollWaitSeconds(polls, NO_LOOKS, NOON));
    expect(waits).toEqual([60, 90, 135, 203, 300, 300, 300, 300, 300, 300]);
  });

  const at = NOON + 53 * MINUTE;
  const wait = (minutes: number, polls = 40) =>
    pollWaitSeconds(polls, { ...NO_LOOKS, cutOffs: [at] }, NOON + minutes * MINUTE);

  test("is the back-off, or less to look a minute before a cut-off and soon after it", () => {
    expect([wait(0), wait(40), wait(50), wait(52), wait(53), wait(55)]).toEqual([
      300, 300, 120, 135, 75, 300,
    ]);
    expect(pollWaitSeconds(48, { ...NO_LOOKS, cutOffs: [at] }, NOON)).toBe(900);
  });

  test("is never shorter than a quarter of a minute, and never longer than the back-off", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100 }),
        fc.array(fc.integer({ min: -HOUR, max: HOUR }), { maxLength: 64 }),
        (polls, offsets) => {
          const seconds = pollWaitSeconds(
            polls,
            { ...NO_LOOKS, cutOffs: offsets.map((offset) => NOON + offset) },
            NOON,
          );
          expect(Number.isInteger(seconds)).toBe(true);
          expect(seconds).toBeGreaterThanOrEqual(15);
          expect(seconds).toBeLessThanOrEqual(pollWaitSeconds(polls, NO_LOOKS, NOON));
        },
      ),
    );
  });
});
