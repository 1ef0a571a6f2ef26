import { expect, test } from "vitest";
import { z } from "zod";
import { resourcesOf, templateOf } from "./stage-template.ts";

const scheduleSchema = z.object({
  ScheduleExpression: z.string(),
  FlexibleTimeWindow: z.object({ Mode: z.string() }),
  Target: z.object({ Arn: z.string(), Input: z.string().optional() }),
});

const everySeven = templateOf({ windowMinutes: 7 });

test("a window starts every few minutes with its scheduled time, dead letters are retried and leftovers swept every quarter of an hour, late batches looked for every minute, a day's batches are reconciled", () => {
  const schedules = Object.values(resourcesOf(everySeven, "AWS::Scheduler::Schedule")).map((schedule) =>
    scheduleSchema.parse(schedule),
  );
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
    {
      ScheduleExpression: "rate(15 minutes)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: { Arn: expect.stringContaining("function:SweepingSweepLeftovers") },
    },
    {
      ScheduleExpression: "rate(1 minute)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: { Arn: expect.stringContaining("function:EscalationEscalateJobs") },
    },
    {
      ScheduleExpression: "rate(1 day)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: { Arn: expect.stringContaining("function:ReconciliationReconcileBatches") },
    },
  ]);
});

test("a window of one minute is a rate in the singular", () => {
  const [first] = Object.values(resourcesOf(templateOf({ windowMinutes: 1 }), "AWS::Scheduler::Schedule"));
  expect(first?.["ScheduleExpression"]).toBe("rate(1 minute)");
});
