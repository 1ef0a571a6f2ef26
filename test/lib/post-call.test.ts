import { describe, expect, test } from "vitest";
import { z } from "zod";
import { folderOf } from "../../lib/function-limits.ts";
import { resourcesOf, templateOf } from "./stage-template.ts";

const template = templateOf({ workloads: { postCall: true } });

const policySchema = z.object({
  Roles: z.tuple([z.string()]),
  PolicyDocument: z.object({
    Statement: z.array(
      z.object({
        Action: z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat()),
        Resource: z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat()),
      }),
    ),
  }),
});

/** What a role may do, as `action resource`, hashes of logical ids left out. */
function grantsOf(id: string): string[] {
  const policies = Object.values(resourcesOf(template, "AWS::IAM::Policy")).map((policy) =>
    policySchema.parse(policy),
  );
  return policies
    .filter(({ Roles: [role] }) => role.startsWith(`WorkloadsPostCall${id}Role`))
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .flatMap(({ Action, Resource }) =>
      Action.flatMap((action) => Resource.map((resource) => `${action} ${nameOf(resource)}`)),
    )
    .toSorted();
}

function nameOf(arn: string): string {
  return (/[^:]*$/.exec(arn)?.[0] ?? "").replaceAll(/[0-9A-F]{8}(?=$|\/)/g, "");
}

/** Of the grants, those that this workload's own construct gives; the others come with logs and event sources. */
function ownGrants(id: string): string[] {
  return grantsOf(id).filter((grant) => !/^(logs|sqs:(Receive|Delete|Change|GetQueue))/.test(grant));
}

describe("least privilege", () => {
  test("TakeTranscripts reads inboxes, keeps transcripts that were sent, and sends jobs and refusals", () => {
    expect(ownGrants("TakeTranscripts")).toEqual([
      "dynamodb:GetItem StorageTenants",
      "s3:AbortMultipartUpload StorageGatewayBucket/workloads/post-call/*",
      "s3:GetObject StorageGatewayBucket/inbox/*",
      "s3:ListBucket StorageGatewayBucket",
      "s3:PutObject StorageGatewayBucket/workloads/post-call/*",
      "sqs:SendMessage Offpeak-results-*",
      "sqs:SendMessage Queuesjobsnormal",
    ]);
  });

  test("TakeAnalyses reads transcripts again, keeps analyses, and sends second tries, results and dead letters", () => {
    expect(ownGrants("TakeAnalyses")).toEqual([
      "dynamodb:GetItem StorageTenants",
      "s3:AbortMultipartUpload StorageGatewayBucket/workloads/post-call/*",
      "s3:GetObject StorageGatewayBucket/inbox/*",
      "s3:GetObject StorageGatewayBucket/workloads/post-call/*",
      "s3:ListBucket StorageGatewayBucket",
      "s3:PutObject StorageGatewayBucket/workloads/post-call/*",
      "sqs:SendMessage Offpeak-results-*",
      "sqs:SendMessage Queuesjobshigh",
      "sqs:SendMessage Queuespostcallresultsdead",
    ]);
  });
});

test("what is stored in an inbox is told to the transcripts queue, and to no other", () => {
  const [bucket] = Object.values(resourcesOf(template, "AWS::S3::Bucket"));
  expect(bucket?.["NotificationConfiguration"]).toEqual({
    QueueConfigurations: [
      {
        Event: "s3:ObjectCreated:*",
        Filter: { S3Key: { Rules: [{ Name: "prefix", Value: "inbox/" }] } },
        Queue: expect.stringContaining("Queuestranscripts"),
      },
    ],
  });
});

test("what the workload keeps of calls expires with the results", () => {
  const [bucket] = Object.values(resourcesOf(template, "AWS::S3::Bucket"));
  const { Rules: rules } = z
    .object({ Rules: z.array(z.looseObject({ Prefix: z.string().optional() })) })
    .parse(bucket?.["LifecycleConfiguration"]);
  expect(rules.find(({ Prefix }) => Prefix === "workloads/post-call/")).toMatchObject({
    ExpirationInDays: 35,
    Status: "Enabled",
  });
});

test("its queues are watched, its functions too, and the queue is an output, as are the senders of its jobs", () => {
  const descriptions = Object.values(resourcesOf(template, "AWS::CloudWatch::Alarm")).map(
    ({ AlarmDescription }) => AlarmDescription,
  );
  for (const said of [
    "Messages of transcripts could not be worked on",
    "Messages of post-call-results could not be worked on",
    "TakeTranscripts keeps failing",
    "TakeAnalyses keeps failing",
  ])
    expect(descriptions).toContainEqual(expect.stringContaining(said));
  expect(template.findOutputs("TranscriptsQueueUrl")).toHaveProperty("TranscriptsQueueUrl");
  const roles = JSON.stringify(template.findOutputs("PostCallSenderIds"));
  expect(roles).toMatch(/TakeTranscriptsRole[^,]*,"RoleId".*TakeAnalysesRole[^,]*,"RoleId"/);
});

test("a message stays hidden for six times as long as its function may run", () => {
  const functions = resourcesOf(template, "AWS::Lambda::Function");
  const timeoutOf = (id: "TakeTranscripts" | "TakeAnalyses") =>
    z
      .number()
      .parse(
        Object.values(functions).find(({ Description }) => Description === `Offpeak ${folderOf(id)}`)?.[
          "Timeout"
        ],
      );
  const queues = Object.values(resourcesOf(template, "AWS::SQS::Queue"));
  const hiddenFor = (name: string) =>
    queues.find(({ QueueName }) => QueueName === `Offpeak-${name}`)?.["VisibilityTimeout"];
  expect(hiddenFor("transcripts")).toBe(6 * timeoutOf("TakeTranscripts"));
  expect(hiddenFor("post-call-results")).toBeGreaterThanOrEqual(6 * timeoutOf("TakeAnalyses"));
});

test("a stage without the workload has none of it", () => {
  const none = templateOf();
  const descriptions = Object.values(resourcesOf(none, "AWS::Lambda::Function")).map(
    ({ Description }) => Description,
  );
  expect(descriptions).not.toContain("Offpeak take-transcripts");
  expect(none.findOutputs("TranscriptsQueueUrl")).toEqual({});
});
