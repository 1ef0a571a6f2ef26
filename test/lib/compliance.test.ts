import { Validations } from "aws-cdk-lib";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, test } from "vitest";
import { EVERY_WORKLOAD, stageOf } from "./stage-template.ts";

function findings({ app }: ReturnType<typeof stageOf>): string[] {
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
  );
}

describe("cdk-nag's AwsSolutions rules", () => {
  test.each([
    {},
    { removalPolicy: "destroy" },
    EVERY_WORKLOAD,
    {
      stackName: "Other",
      senderArns: ["arn:aws:iam::444455556666:root"],
      extraDeliveryQueueArns: ["arn:aws:sqs:us-east-1:444455556666:acme"],
      alarmTopicArn: "arn:aws:sns:eu-central-1:111122223333:alarms",
    },
  ])("find nothing in %j", (settings) => {
    expect(findings(stageOf(settings))).toEqual([]);
  });

  test("would find an open queue", () => {
    const stage = stageOf();
    const queue = new Queue(stage.stack, "Open");
    expect(findings(stage)).toContain(`AwsSolutions-SQS4 ${queue.node.path}/Resource`);
  });

  test("are acknowledged one by one, each with a reason of its own", () => {
    const { app } = stageOf(EVERY_WORKLOAD);
    const acknowledged = app.node
      .findAll()
      .flatMap(({ node }) => node.metadata)
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries<string>(data));
    expect(acknowledged.length).toBeGreaterThan(10);
    for (const [rule, reason] of acknowledged) {
      expect(rule).toMatch(/AwsSolutions-(IAM5\[Resource::[^\]]+\]|S1|SMG4|SF1|SF2)$/);
      expect(reason.length).toBeGreaterThan(40);
    }
  });
});
