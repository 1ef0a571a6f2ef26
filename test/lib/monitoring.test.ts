import { readFileSync } from "node:fs";
import path from "node:path";
import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { METRICS_NAMESPACE } from "../../lib/gateway-function.ts";
import { resourcesOf, templateOf } from "./stage-template.ts";

const LAMBDAS = path.join(import.meta.dirname, "../../lambdas");

const alarmSchema = z.object({
  AlarmDescription: z.string(),
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })),
  Period: z.number(),
  Statistic: z.string(),
  Threshold: z.number(),
  ComparisonOperator: z.string(),
  TreatMissingData: z.string(),
});
const template = templateOf();
const alarms = Object.values(resourcesOf(template, "AWS::CloudWatch::Alarm")).map((alarm) =>
  alarmSchema.parse(alarm),
);

test("every alarm says where the runbook goes on", () => {
  for (const { AlarmDescription } of alarms) expect(AlarmDescription).toMatch(/docs\/runbook\.md#[a-z-]+$/);
  const counted = Object.groupBy(alarms, ({ MetricName }) => MetricName);
  expect(Object.fromEntries(Object.entries(counted).map(([name, of]) => [name, of?.length]))).toEqual({
    ApproximateNumberOfMessagesVisible: 6,
    ApproximateAgeOfOldestMessage: 4,
    ExecutionsFailed: 2,
    ExecutionsTimedOut: 2,
    Errors: 8,
    LedgerDifferences: 1,
    BatchesUnreached: 1,
    BatchesFailingOften: 1,
    BatchesStuck: 1,
    AccountsHeld: 1,
    SegmentsSetAside: 1,
    SegmentsLeftBehind: 1,
    BatchesPastDue: 1,
    BatchesRefused: 1,
    OrphansAdopted: 1,
    SweepFailures: 1,
    JobsEscalatedTooLate: 1,
    EscalationFailures: 1,
  });
});

test("no alarm is raised by the absence of figures, and each by the first above what is allowed", () => {
  for (const alarm of alarms) {
    expect(alarm).toMatchObject({
      TreatMissingData: "notBreaching",
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
    });
  }
});

describe("what functions count themselves", () => {
  const own = alarms.filter(({ Namespace }) => !Namespace.startsWith("AWS/"));

  test.each(own.map((alarm) => [alarm.MetricName, alarm] as const))("%s is told of once", (_name, alarm) => {
    expect(alarm).toMatchObject({ Namespace: METRICS_NAMESPACE, Statistic: "Sum", Threshold: 1 });
    expect(alarm.Dimensions).toHaveLength(1);
  });

  test.each(own.map(({ MetricName, Dimensions }) => [MetricName, Dimensions[0]] as const))(
    "%s is a name that its function counts, in the series that it counts in",
    (metricName, dimension) => {
      expect(dimension?.Name).toBe("service");
      const folder = dimension?.Value ?? "";
      expect(countedBy(folder)).toContain(metricName);
      const variables = { POWERTOOLS_SERVICE_NAME: folder, POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE };
      template.hasResourceProperties("AWS::Lambda::Function", {
        Environment: { Variables: Match.objectLike(variables) },
      });
    },
  );
});

/** The names under which a function's handler counts. */
function countedBy(folder: string): string[] {
  const handler = readFileSync(path.join(LAMBDAS, folder, "handler.ts"), "utf8");
  const calls = [...handler.matchAll(/\bcount\(\{([^}]+)\}\)/g)].map(([, counts = ""]) => counts);
  return calls.flatMap((counts) => [...counts.matchAll(/\b(\w+):/g)].map(([, name = ""]) => name));
}

test("alarms go to the topic of the settings, or only show", () => {
  template.allResourcesProperties("AWS::CloudWatch::Alarm", { AlarmActions: Match.absent() });
  const alarmTopicArn = "arn:aws:sns:eu-central-1:111122223333:alarms";
  templateOf({ alarmTopicArn }).allResourcesProperties("AWS::CloudWatch::Alarm", {
    AlarmActions: [alarmTopicArn],
  });
});
