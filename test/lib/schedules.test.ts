import { expect, test } from "vitest";
import { z } from "zod";
import { resourcesOf, templateOf } from "./stage-template.ts";

const scheduleSchema = z.object({
  ScheduleExpression: z.string(),
  FlexibleTimeWindow: z.object({ Mode: z.string() }),
  Target: z.object({ Arn: z.string(), Input: z.string().optional() }),
});

test("a window starts every few minutes with its scheduled time, dead letters are retried every quarter of an hour", () => {
  const schedules = Object.values(
    resourcesOf(templateOf({ windowMinutes: 7 }), "AWS::Scheduler::Schedule"),
  ).map((schedule) => scheduleSchema.parse(schedule));
  expect(schedules).toEqual([
    {
      ScheduleExpression: "rate(7 minutes)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        Arn: expect.stringContaining("stateMachine:BatchWorkflowAssembleWindow"),
        Input: '{"scheduledTime":"<aws.scheduler.scheduled-time>"}',
      },
    },
    {
      ScheduleExpression: "rate(15 minutes)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: { Arn: expect.stringContaining("function:DirectLaneRetryDeadLetters") },
    },
  ]);
});

test("a window of one minute is a rate in the singular", () => {
  const [first] = Object.values(resourcesOf(templateOf({ windowMinutes: 1 }), "AWS::Scheduler::Schedule"));
  expect(first?.["ScheduleExpression"]).toBe("rate(1 minute)");
});
