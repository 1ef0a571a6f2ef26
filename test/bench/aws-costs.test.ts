import { describe, expect, test } from "vitest";
import {
  AWS_PRICES,
  type AwsUsage,
  serviceCost,
  times,
  usageCost,
  without,
} from "../../bench/aws-costs/aws-prices.ts";
import { CountedDays } from "../../bench/aws-costs/counted-days.ts";
import { jobsOf } from "../../bench/aws-costs/days.ts";
import { runDay } from "../../bench/aws-costs/run-day.ts";
import { assembleShared } from "../shared-assembly.ts";

const JOBS = 100;

// A hundred jobs at once are one batch or two; an hour in time lapse takes some ten seconds.
test("an hour with a hundred low jobs: what they use of AWS is a claim, an end, and their part of a batch", async () => {
  const day = { ...jobsOf("low"), isAtOnce: true };
  const ports = { signal: new AbortController().signal, tell: () => undefined, assemble: assembleShared };
  const { done, usage, standing, batches } = await runDay(day, { items: JOBS, hours: 1 }, ports);
  expect(done).toBe(JOBS);
  expect(batches).toBeGreaterThanOrEqual(1);
  // Per job two writes at least; what runs by the clock writes some three a window, and a batch some dozens.
  expect(usage.dynamoWriteUnits).toBeGreaterThanOrEqual(2 * JOBS);
  expect(usage.dynamoWriteUnits).toBeLessThan(4 * JOBS);
  // Segments, manifests, batches and results are objects of many jobs: none has one of its own.
  expect(usage.s3Puts).toBeLessThan(3 * JOBS);
  // Received and deleted by tens, and sent on by tens.
  expect(usage.sqsRequests).toBeLessThan(JOBS);
  expect(usage.emails).toBe(0);
  expect(standing).toMatchObject({ polledQueues: 7, secrets: 2 });
  expect(standing.scheduleStarts).toBeGreaterThan(24 * 60);
}, 120_000);

describe("a bill by hand", () => {
  const nothing = times(AWS_PRICES, 0);
  const usd = (picoUsd: number) => picoUsd / 1e12;

  test("a million jobs with two writes, a read and a fiftieth of 40 state transitions", () => {
    const usage: AwsUsage = {
      ...nothing,
      dynamoWriteUnits: 2_000_000,
      dynamoReadUnits: 1_000_000,
      stateTransitions: 800_000,
    };
    // 2 x 0.625 + 0.125, and 0.8 x 25.
    expect(usd(serviceCost(usage, "DynamoDB"))).toBeCloseTo(1.375, 6);
    expect(usd(usageCost(usage))).toBeCloseTo(21.375, 6);
  });

  test("half a gigabyte for two million seconds, and a GB of logs", () => {
    const usage: AwsUsage = {
      ...nothing,
      lambdaGbSeconds: 1_000_000,
      lambdaRequests: 1_000_000,
      logBytes: 1e9,
    };
    expect(usd(serviceCost(usage, "Lambda"))).toBeCloseTo(13.5334, 4);
    expect(usd(serviceCost(usage, "CloudWatch Logs"))).toBeCloseTo(0.5, 6);
  });

  test("a day's own part is what is left without the clock's, by its length", () => {
    const clock: AwsUsage = { ...nothing, stateTransitions: 900, s3Puts: 2_000 };
    const day: AwsUsage = { ...nothing, stateTransitions: 2_000, s3Puts: 4_000 };
    const own = without(day, clock, 1.5);
    expect(own).toMatchObject({ stateTransitions: 650, s3Puts: 1_000 });
    expect(usd(usageCost(times(own, 100)))).toBeCloseTo(1.625 + 0.5, 6);
  });
});

test("what a stage costs without work, and an item of a day, by hand", () => {
  const nothing = times(AWS_PRICES, 0);
  const standing = { scheduleStarts: 0, polledQueues: 2, secrets: 2, alarms: 10 };
  const common = { countedOn: "2026-12-01", standing, batches: 0, counts: {} };
  const clock = { ...nothing, stateTransitions: 400 };
  const work = { ...nothing, stateTransitions: 400 + 2_000 };
  const days = new CountedDays([
    { ...common, day: "nothing", items: 0, done: 0, hours: 12, metrics: 0, usage: clock },
    { ...common, day: "low", items: 100, done: 100, hours: 12, metrics: 5, usage: work },
  ]);
  // 20 state transitions at $25 a million.
  expect(days.perItem(days.day("low")) / 1e12).toBeCloseTo(0.0005, 9);
  const { clock: byClock, ...rest } = days.standing();
  // 24,000 state transitions a month; 2 x 21,600 requests a day at $0.50 a million.
  expect(byClock).toBeCloseTo(0.6, 6);
  expect(rest.polls).toBeCloseTo(0.648, 6);
  expect(rest).toMatchObject({ secrets: 0.8, alarms: 1, metrics: 1.5 });
  expect(() => days.day("high")).toThrow(/no day of high/);
});
