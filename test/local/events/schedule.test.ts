import { describe, expect, test } from "vitest";
import { parseRate, Schedule } from "../../../local/events/schedule.ts";
import { VirtualClock } from "../../../local/step-functions/virtual-clock.ts";

const START = Date.parse("2026-11-21T00:00:00.500Z");

function scheduleOf(periodMs: number): {
  clock: VirtualClock;
  schedule: Schedule;
  fired: string[];
  logged: string[];
} {
  const clock = new VirtualClock(START);
  const fired: string[] = [];
  const logged: string[] = [];
  const schedule = new Schedule({
    arn: "arn:schedule",
    periodMs,
    input:
      '{"at":"<aws.scheduler.scheduled-time>","id":"<aws.scheduler.execution-id>","no":"<aws.scheduler.no>"}',
    clock,
    fire: async (input) => {
      fired.push(input);
      if (fired.length === 1) throw new Error("no such target");
    },
    log: (line) => logged.push(line),
  });
  schedule.start();
  return { clock, schedule, fired, logged };
}

const timesOf = (fired: string[]): unknown[] =>
  fired.map((input) => (JSON.parse(input) as { at: unknown }).at);

describe("a schedule", () => {
  test("fires every period with its context attributes, also after a failure", async () => {
    const { clock, schedule, fired, logged } = scheduleOf(300_000);
    await clock.runUntil(START + 900_000);
    expect(timesOf(fired)).toEqual(["2026-11-21T00:05:00Z", "2026-11-21T00:10:00Z", "2026-11-21T00:15:00Z"]);
    expect(fired[0]).toMatch(/"id":"[0-9a-f-]{36}","no":"<aws.scheduler.no>"/);
    expect(logged).toEqual([expect.stringContaining("no such target")]);
    await schedule.stop();
    expect(await clock.runUntil(START + 9_000_000)).toBe(false);
    expect(fired).toHaveLength(3);
  });

  test("gives each run a second of its own when periods are shorter", async () => {
    const { clock, schedule, fired } = scheduleOf(250);
    await clock.runUntil(START + 1_000);
    expect(new Set(timesOf(fired)).size).toBe(4);
    await schedule.stop();
  });
});

test("rates", () => {
  expect(parseRate("rate(5 minutes)")).toBe(300_000);
  expect(parseRate("rate(1 hour)")).toBe(3_600_000);
  for (const other of ["cron(0 * * * ? *)", "rate(0 minutes)", "rate(5 seconds)"])
    expect(() => parseRate(other)).toThrow(other);
});
