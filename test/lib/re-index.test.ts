import { describe, expect, test } from "vitest";
import { z } from "zod";
import { resourcesOf, templateOf } from "./stage-template.ts";

const template = templateOf({ workloads: { reIndex: true } });

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const policySchema = z.object({
  Roles: z.tuple([z.string()]),
  PolicyDocument: z.object({
    Statement: z.array(z.object({ Action: oneOrMore, Resource: oneOrMore })),
  }),
});

/** What a function's role may do, as `action resource`, but for what comes with logs and event sources. */
function grantsOf(id: string, stage = template): string[] {
  return Object.values(resourcesOf(stage, "AWS::IAM::Policy"))
    .map((policy) => policySchema.parse(policy))
    .filter(({ Roles: [role] }) => role.startsWith(`WorkloadsReIndex${id}Role`))
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .flatMap(({ Action, Resource }) =>
      Action.flatMap((action) => Resource.map((arn) => `${action} ${nameOf(arn)}`)),
    )
    .filter((grant) => !/^(logs|sqs:(Receive|Delete|Change|GetQueue))/.test(grant))
    .toSorted();
}

function nameOf(arn: string): string {
  return (/[^:]*$/.exec(arn)?.[0] ?? "").replaceAll(/[0-9A-F]{8}(?=$|\/)/g, "");
}

describe("least privilege", () => {
  const publishing = [
    "dynamodb:BatchGetItem WorkloadsStorageWorkloads",
    "dynamodb:BatchWriteItem WorkloadsStorageWorkloads",
    "dynamodb:GetItem StorageTenants",
    "dynamodb:GetItem WorkloadsStorageWorkloads",
    "dynamodb:PutItem WorkloadsStorageWorkloads",
    "dynamodb:Query WorkloadsStorageWorkloads",
    "s3:AbortMultipartUpload StorageGatewayBucket/workloads/re-index/*",
    "s3:DeleteObject StorageGatewayBucket/workloads/re-index/*",
    "s3:GetObject StorageGatewayBucket/workloads/re-index/*",
    "s3:ListBucket StorageGatewayBucket",
    "s3:ListBucket StorageGatewayBucket",
    "s3:PutObject StorageGatewayBucket/workloads/re-index/*",
  ];

  test("TakeDocuments reads documents, which it cannot change, and sends low jobs", () => {
    expect(grantsOf("TakeDocuments")).toEqual(
      [...publishing, "s3:GetObject StorageGatewayBucket/kb/*", "sqs:SendMessage Queuesjobslow"].toSorted(),
    );
  });

  test("TakeEmbeddings reads results, and sends nothing", () => {
    expect(grantsOf("TakeEmbeddings")).toEqual(
      [...publishing, "s3:GetObject StorageGatewayBucket/results/*"].toSorted(),
    );
  });

  test("CheckKnowledge reads no document, and says which ones to look at", () => {
    expect(grantsOf("CheckKnowledge")).toEqual([
      "dynamodb:GetItem StorageTenants",
      "dynamodb:Query StorageTenants",
      "dynamodb:Query WorkloadsStorageWorkloads",
      "s3:ListBucket StorageGatewayBucket",
      "sqs:SendMessage Queueskbchanges",
    ]);
  });
});

test("the role that sends its jobs is an output, for tenants that name their senders", () => {
  expect(JSON.stringify(template.findOutputs("ReIndexSenderIds"))).toMatch(/TakeDocumentsRole[^,]*,"RoleId"/);
});

test("S3 tells of documents that are put, and of those that are removed", () => {
  const buckets = Object.values(resourcesOf(template, "AWS::S3::Bucket"));
  const filter = { S3Key: { Rules: [{ Name: "prefix", Value: "kb/" }] } };
  expect(buckets[0]?.["NotificationConfiguration"]).toEqual({
    QueueConfigurations: ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"].map((Event) => ({
      Event,
      Filter: filter,
      Queue: expect.stringContaining("Queueskbchanges"),
    })),
  });
});

test("what is under way is longer hidden than a function runs, and a stage without the workload has none of it", () => {
  const queues = Object.values(resourcesOf(template, "AWS::SQS::Queue"));
  const changes = queues.find(({ QueueName: name }) => name === "Offpeak-kb-changes");
  expect(changes).toMatchObject({ VisibilityTimeout: 6 * 300 + 5, SqsManagedSseEnabled: true });
  const without = JSON.stringify(templateOf().toJSON());
  for (const name of ["kb-changes", "WorkloadsTableName", "check-knowledge"])
    expect(without).not.toContain(name);
});

describe("with S3 Vectors", () => {
  const stage = templateOf({ workloads: { reIndex: true, s3Vectors: true } });

  test("there is an encrypted bucket, kept when the stack goes", () => {
    const [bucket] = Object.values(stage.findResources("AWS::S3Vectors::VectorBucket"));
    expect(bucket).toMatchObject({
      DeletionPolicy: "Retain",
      Properties: { EncryptionConfiguration: { SseType: "AES256" } },
    });
    expect(Object.keys(stage.findOutputs("VectorBucketArn"))).toHaveLength(1);
  });

  test.each(["TakeDocuments", "TakeEmbeddings"])("%s writes to it and reads nothing of it", (id) => {
    const grants = grantsOf(id, stage).filter((grant) => grant.startsWith("s3vectors:"));
    expect(grants.map((grant) => grant.split(" ")[0])).toEqual([
      "s3vectors:CreateIndex",
      "s3vectors:DeleteVectors",
      "s3vectors:PutVectors",
    ]);
    for (const grant of grants) expect(grant).toMatch(/\/index\/\*$/);
  });

  test("CheckKnowledge may do nothing with it", () => {
    expect(grantsOf("CheckKnowledge", stage)).toEqual(grantsOf("CheckKnowledge"));
  });

  test("is refused where nothing is re-indexed", () => {
    expect(() => templateOf({ workloads: { s3Vectors: true } })).toThrow(/switch reIndex on/);
  });
});
