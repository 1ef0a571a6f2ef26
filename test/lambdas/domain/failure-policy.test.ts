import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BatchDecision,
  type BatchFailure,
  batchPolicy,
  type CallFailure,
  callPolicy,
  decideBatchFailure,
  decideCallFailure,
  isRetryableStatus,
  LONGEST_BACK_OFF_SECONDS,
  ownWords,
} from "../../../lambdas/domain/failure-policy.ts";
import { FAILURE_TABLE } from "../../../lambdas/domain/failure-table.ts";
import { MAX_ATTEMPTS } from "../../../lambdas/domain/job-state.ts";

const MINUTE = 60_000;
const ALONE = { kind: "alone" } as const;
const FAIL = { kind: "fail" } as const;
const NONE = { kind: "none" } as const;
const DEAD_LETTER = { kind: "dead-letter" } as const;

function later({ counts = true, minutes = 0, halve = false }): BatchDecision {
  return { kind: "next-batch", counts, backOffMs: minutes * MINUTE, halve };
}

/** What becomes of a job's first attempt, one of ten requests of a batch. */
const FIRST: Readonly<Record<BatchFailure, BatchDecision>> = {
  "request-refused": FAIL,
  busy: later({ minutes: 5 }),
  "server-error": later({ minutes: 5 }),
  "key-refused": later({ minutes: 15 }),
  "no-credit": later({ counts: false }),
  "expired-line": later({}),
  "cancelled-line": later({}),
  "silent-line": later({}),
  "unreadable-answer": ALONE,
  "missing-line": later({}),
  "unparseable-line": NONE,
  "repeated-line": NONE,
  "unknown-line": NONE,
  "foreign-output": later({ counts: false }),
  "results-gone": later({}),
  "bad-row": FAIL,
  "our-row": ALONE,
  "good-row": later({ counts: false }),
  "unnamed-fault": later({ counts: false, halve: true }),
  "too-large": later({ counts: false, halve: true }),
  "token-limit": later({ counts: false, halve: true, minutes: 15 }),
  "billing-limit": later({ counts: false }),
  "no-batch-service": ALONE,
  "create-refused": later({ halve: true, minutes: 5 }),
  "batch-expired": later({}),
  "batch-cancelled": later({}),
  stuck: later({}),
};
const first = { attempt: 1, roundStart: 1, requests: 10 };
const last = { attempt: MAX_ATTEMPTS, roundStart: 1, requests: 10 };
const seenOf = (of: (decision: BatchDecision) => boolean) =>
  Object.entries(FIRST)
    .filter(([, decision]) => of(decision))
    .map(([seen]) => seen as BatchFailure);

test("no row says two things of one sight", () => {
  const names = FAILURE_TABLE.map(({ where, seen }) => `${where === "call" ? "call" : "batch"} ${seen}`);
  expect(new Set(names).size).toBe(names.length);
});

describe("in a batch", () => {
  test.each(Object.entries(FIRST))("%s, the first time", (seen, decision) => {
    expect(decideBatchFailure(seen as BatchFailure, first)).toEqual(decision);
  });

  test.each(
    seenOf((decision) => decision.kind === "alone" || (decision.kind === "next-batch" && decision.counts)),
  )("%s at the last attempt of a round leads to the dead letters", (seen) => {
    expect(decideBatchFailure(seen, { ...last, attempt: MAX_ATTEMPTS - 1 }).kind).not.toBe("dead-letter");
    expect(decideBatchFailure(seen, last)).toEqual(DEAD_LETTER);
    expect(decideBatchFailure(seen, { ...last, attempt: 12, roundStart: 10 })).toEqual(DEAD_LETTER);
  });

  test.each(seenOf((decision) => decision.kind === "next-batch" && !decision.counts))(
    "%s never uses up a job's attempts",
    (seen) => {
      expect(decideBatchFailure(seen, last)).toMatchObject({ kind: "next-batch", counts: false });
    },
  );

  test.each(seenOf((decision) => decision.kind === "fail" || decision.kind === "none"))(
    "%s is the same at every attempt",
    (seen) => {
      expect(decideBatchFailure(seen, last)).toEqual(FIRST[seen]);
    },
  );

  test("waits double with each attempt of the round, up to the longest", () => {
    const wait = (seen: BatchFailure, attempt: number, roundStart: number) => {
      const decision = decideBatchFailure(seen, { attempt, roundStart, requests: 10 });
      return decision.kind === "next-batch" ? decision.backOffMs / MINUTE : decision.kind;
    };
    expect([wait("busy", 1, 1), wait("busy", 2, 1), wait("busy", 3, 1)]).toEqual([5, 10, "dead-letter"]);
    // An attempt that does not count moves the start of the round along: the wait stays.
    expect([wait("token-limit", 1, 1), wait("token-limit", 7, 7)]).toEqual([15, 15]);
    expect(wait("token-limit", 20, 1)).toBe(LONGEST_BACK_OFF_SECONDS / 60);
  });

  test.each(seenOf((decision) => decision.kind === "next-batch" && decision.halve))(
    "%s of a batch of one request is looked at by calling it; two can still be told apart",
    (seen) => {
      expect(decideBatchFailure(seen, { ...first, requests: 1 })).toEqual(ALONE);
      expect(decideBatchFailure(seen, { ...first, requests: 2 })).toMatchObject({ halve: true });
      // Calling it would be one attempt too many.
      expect(decideBatchFailure(seen, { ...last, requests: 1 })).toEqual(DEAD_LETTER);
    },
  );

  test("what is not halved does not care how large the batch was", () => {
    expect(decideBatchFailure("good-row", { ...first, requests: 1 })).toEqual(FIRST["good-row"]);
    expect(decideBatchFailure("stuck", { ...first, requests: 1 })).toEqual(FIRST.stuck);
  });

  test("nothing that counts goes round for ever, and nothing is halved for ever", () => {
    const seen = fc.constantFrom(...(Object.keys(FIRST) as BatchFailure[]));
    const whole = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(seen, whole, whole, whole, (name, roundStart, tried, requests) => {
        const attempt = roundStart + tried - 1;
        const decision = decideBatchFailure(name, { attempt, roundStart, requests });
        if (decision.kind !== "next-batch") return;
        expect(decision.counts && tried >= MAX_ATTEMPTS).toBe(false);
        expect(decision.halve && requests === 1).toBe(false);
        expect(decision.backOffMs).toBeLessThanOrEqual(LONGEST_BACK_OFF_SECONDS * 1000);
      }),
    );
  });

  test("an account is held for want of money, and for nothing else", () => {
    const held = FAILURE_TABLE.filter(({ holdSeconds }) => holdSeconds > 0).map(({ seen }) => seen);
    expect(held).toEqual(["no-credit", "billing-limit"]);
    expect(batchPolicy("billing-limit").holdSeconds).toBe(batchPolicy("no-credit").holdSeconds);
  });

  test("an estimate is named where an answer was surely or perhaps billed and cannot be priced", () => {
    const unconfirmed = FAILURE_TABLE.filter((row) => row.unconfirmed).map(
      ({ where, seen }) => `${where} ${seen}`,
    );
    expect(unconfirmed).toEqual([
      "line unreadable-answer",
      "output results-gone",
      "call lost-answer",
      "call unreadable-answer",
    ]);
  });
});

describe("at a direct call", () => {
  const AGAIN: readonly CallFailure[] = [
    "busy",
    "server-error",
    "key-refused",
    "no-credit",
    "not-sent",
    "lost-answer",
    "unreadable-answer",
  ];

  test("a request that was refused ends its job, from the dead letters or not", () => {
    for (const last of [false, true])
      expect(
        decideCallFailure(
          "request-refused",
          { attempt: 1, roundStart: 1 },
          {
            last,
            isOverdue: false,
            isSpared: true,
          },
        ),
      ).toEqual(FAIL);
  });

  test.each(AGAIN)("%s is tried again at once, and then by way of the dead letters", (seen) => {
    const first = { last: false, isOverdue: true, isSpared: false };
    const kinds = [1, 2, 3].map((attempt) => decideCallFailure(seen, { attempt, roundStart: 1 }, first).kind);
    expect(kinds).toEqual(["again", "again", "dead-letter"]);
  });

  test.each(AGAIN)("%s ends a job of the dead letters, unless it is the operator's to mend", (seen) => {
    const decided = (isOverdue: boolean, isSpared: boolean) =>
      decideCallFailure(seen, { attempt: 3, roundStart: 1 }, { last: true, isOverdue, isSpared }).kind;
    const isOperators = ["no-credit", "key-refused", "not-sent"].includes(seen);
    expect(decided(false, false)).toBe(isOperators ? "dead-letter" : "fail");
    // Nor after a round in which that befell one of its calls.
    expect(decided(false, true)).toBe("dead-letter");
    expect(decided(true, true)).toBe("fail");
  });

  test("a row has no wait, no half and no hold, since nothing would come of them", () => {
    for (const row of FAILURE_TABLE.filter(({ where }) => where === "call"))
      expect(row).toMatchObject({ backOffSeconds: 0, halve: false, holdSeconds: 0 });
  });
});

describe("words", () => {
  test("are a row's own where it has some, and otherwise its name and reason", () => {
    expect(ownWords("stuck")).toEqual(batchPolicy("stuck").tells);
    expect(ownWords("token-limit")).toEqual({ code: "token_limit", message: batchPolicy("token-limit").why });
  });

  test("of an answer are the same on a line and at a call", () => {
    for (const seen of ["refused-answer", "truncated-answer"] as const)
      expect(callPolicy(seen).tells).toEqual(batchPolicy(seen).tells);
  });

  test("have codes that an app can match", () => {
    const codes = FAILURE_TABLE.flatMap(({ tells }) => (tells ? [tells.code] : []));
    for (const code of codes) expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
  });
});

test("time-outs, conflicts, rate limits and the provider's own errors may pass", () => {
  expect([400, 401, 403, 404, 408, 409, 413, 422, 429, 499, 500, 503, 529].filter(isRetryableStatus)).toEqual(
    [408, 409, 429, 500, 503, 529],
  );
});
