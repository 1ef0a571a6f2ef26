import { Match } from "aws-cdk-lib/assertions";
import { FLEX_LEASE_MS } from "../../lambdas/run-flex/flex-settings.ts";
import { RUN_LEASE_MS } from "../../lambdas/run-job/run-job.ts";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { resourcesOf, templateOf } from "./stage-template.ts";

const template = templateOf();

const queueSchema = z.object({
  QueueName: z.string(),
  SqsManagedSseEnabled: z.boolean(),
  VisibilityTimeout: z.number().optional(),
  MessageRetentionPeriod: z.number(),
  RedrivePolicy: z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.number() }).optional(),
});
const queues = Object.fromEntries(
  Object.entries(resourcesOf(template, "AWS::SQS::Queue")).map(([id, queue]) => [
    id,
    queueSchema.parse(queue),
  ]),
);
const lastOf = (arn: string) => arn.slice(arn.lastIndexOf(":") + 1);

describe("queues", () => {
  test("each has its own dead-letter queue, which keeps letters longer; the flex lane shares that of the runs", () => {
    const pairs = Object.values(queues).flatMap(({ QueueName, RedrivePolicy, MessageRetentionPeriod }) => {
      if (RedrivePolicy === undefined) return [];
      const dead = queues[lastOf(RedrivePolicy.deadLetterTargetArn)];
      return [[QueueName, dead?.QueueName, MessageRetentionPeriod, dead?.MessageRetentionPeriod]];
    });
    const days = 86_400;
    expect(pairs).toEqual(
      ["jobs-critical", "jobs-high", "jobs-normal", "jobs-low", "runs", "flex-runs", "deliveries"].map(
        (name) => [
          `Offpeak-${name}`,
          name === "flex-runs" ? "Offpeak-runs-dead" : `Offpeak-${name}-dead`,
          4 * days,
          14 * days,
        ],
      ),
    );
    expect(Object.keys(queues)).toHaveLength(13);
  });

  test("are encrypted and refuse requests without TLS", () => {
    expect(Object.values(queues).every(({ SqsManagedSseEnabled }) => SqsManagedSseEnabled)).toBe(true);
    template.allResourcesProperties("AWS::SQS::QueuePolicy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
        ]),
      },
    });
    template.resourceCountIs("AWS::SQS::QueuePolicy", 13);
  });

  test("named senders may send to the job queues and nowhere else", () => {
    const role = "arn:aws:iam::444455556666:role/app";
    const policies = templateOf({ senderArns: [role] }).findResources("AWS::SQS::QueuePolicy", {
      Properties: {
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({
              Effect: "Allow",
              Action: ["sqs:SendMessage", "sqs:GetQueueUrl"],
              Principal: { AWS: role },
            }),
          ]),
        },
      },
    });
    expect(Object.keys(policies).map((id) => id.replace(/Policy\w{8}$/, ""))).toEqual(
      ["critical", "high", "normal", "low"].map((tier) => `Queuesjobs${tier}`),
    );
  });
});

describe("event source mappings", () => {
  const mappingSchema = z.object({
    EventSourceArn: z.string(),
    FunctionName: z.string(),
    BatchSize: z.number(),
    MaximumBatchingWindowInSeconds: z.number().default(0),
    FunctionResponseTypes: z.tuple([z.literal("ReportBatchItemFailures")]),
    ScalingConfig: z.object({ MaximumConcurrency: z.number() }).optional(),
  });
  const functions = resourcesOf(template, "AWS::Lambda::Function");
  const mappings = Object.values(resourcesOf(template, "AWS::Lambda::EventSourceMapping")).map((mapping) =>
    mappingSchema.parse(mapping),
  );

  test("lead each queue to its function, and failures are reported by message", () => {
    const consumers = mappings.map(({ EventSourceArn, FunctionName }) => [
      queues[lastOf(EventSourceArn)]?.QueueName,
      functions[FunctionName]?.["Description"],
    ]);
    expect(Object.fromEntries(consumers)).toEqual({
      "Offpeak-jobs-critical": "Offpeak run-job",
      "Offpeak-jobs-high": "Offpeak run-job",
      "Offpeak-runs": "Offpeak run-job",
      "Offpeak-flex-runs": "Offpeak run-flex",
      "Offpeak-jobs-normal": "Offpeak admit-jobs",
      "Offpeak-jobs-low": "Offpeak admit-jobs",
      "Offpeak-deliveries": "Offpeak deliver-results",
    });
  });

  test("hide a message for six times as long as its function may run, and the time it was gathered for; an urgent one until its lease is over", () => {
    for (const { EventSourceArn, FunctionName, MaximumBatchingWindowInSeconds } of mappings) {
      const timeout = z.number().parse(functions[FunctionName]?.["Timeout"]);
      const visibility = queues[lastOf(EventSourceArn)]?.VisibilityTimeout;
      if (functions[FunctionName]?.["Description"] === "Offpeak run-flex") {
        expect(visibility).toBeGreaterThan(FLEX_LEASE_MS / 1000);
        expect(visibility).toBeLessThan(2 * timeout);
        continue;
      }
      if (FunctionName === "Offpeak run-job" || lastOf(EventSourceArn).match(/critical|high|runs/)) {
        expect(visibility).toBeGreaterThan(RUN_LEASE_MS / 1000);
        expect(visibility).toBeLessThan(2 * timeout);
        continue;
      }
      expect(visibility).toBeGreaterThanOrEqual(6 * timeout + MaximumBatchingWindowInSeconds);
    }
  });

  test("gather as the settings say; urgent messages are not gathered", () => {
    const admission = { batchSize: 10_000, batchingWindowSeconds: 20, maxConcurrency: 3 };
    const set = templateOf({
      admission,
      direct: { batchSize: 2, maxConcurrency: 7, runsConcurrency: 3, flexBatchSize: 40 },
    });
    const batching = Object.values(resourcesOf(set, "AWS::Lambda::EventSourceMapping"))
      .map((mapping) => mappingSchema.parse(mapping))
      .map(({ BatchSize, MaximumBatchingWindowInSeconds, ScalingConfig }) =>
        [BatchSize, MaximumBatchingWindowInSeconds, ScalingConfig?.MaximumConcurrency ?? "free"].join("/"),
      );
    expect(batching.toSorted()).toEqual([
      "10/0/free",
      "10000/20/3",
      "10000/20/3",
      "2/0/3",
      "2/0/7",
      "2/0/7",
      "40/2/7",
    ]);
  });
});
