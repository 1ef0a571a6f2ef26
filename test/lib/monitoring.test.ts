import { Match } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { z } from "zod";
import { resourcesOf, templateOf } from "./stage-template.ts";

const alarmSchema = z.object({ AlarmDescription: z.string(), MetricName: z.string(), Threshold: z.number() });

test("every alarm says where the runbook goes on", () => {
  const alarms = Object.values(resourcesOf(templateOf(), "AWS::CloudWatch::Alarm")).map((alarm) =>
    alarmSchema.parse(alarm),
  );
  for (const { AlarmDescription } of alarms) expect(AlarmDescription).toMatch(/docs\/runbook\.md#[a-z-]+$/);
  const counted = Object.groupBy(alarms, ({ MetricName }) => MetricName);
  expect(Object.fromEntries(Object.entries(counted).map(([name, of]) => [name, of?.length]))).toEqual({
    ApproximateNumberOfMessagesVisible: 6,
    ApproximateAgeOfOldestMessage: 4,
    ExecutionsFailed: 2,
    ExecutionsTimedOut: 2,
    Errors: 4,
  });
});

test("alarms go to the topic of the settings, or only show", () => {
  templateOf().allResourcesProperties("AWS::CloudWatch::Alarm", { AlarmActions: Match.absent() });
  const alarmTopicArn = "arn:aws:sns:eu-central-1:111122223333:alarms";
  templateOf({ alarmTopicArn }).allResourcesProperties("AWS::CloudWatch::Alarm", {
    AlarmActions: [alarmTopicArn],
  });
});
