import { describe, expect, test } from "vitest";
import { z } from "zod";
import { resolve, resourcesOf, templateOf } from "../stage-template.ts";

const template = templateOf({ workloads: { leadScoring: true } });

test("a schedule looks every quarter of an hour whose hour has come", () => {
  const schedules = Object.values(resourcesOf(template, "AWS::Scheduler::Schedule"));
  const own = schedules.filter(({ Target }) => JSON.stringify(Target).includes("LeadScoring"));
  expect(own).toEqual([
    expect.objectContaining({
      ScheduleExpression: "rate(15 minutes)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: expect.objectContaining({ Input: "{}" }),
    }),
  ]);
});

test("the machine that scores leads is an output, for the operator's tool", () => {
  const { LeadScoringArn: output } = template.findOutputs("LeadScoringArn");
  expect(resolve(template, output?.["Value"])).toMatch(/:stateMachine:WorkloadsLeadScoring/);
});

test("the roles that send its jobs are an output, for tenants that name their senders", () => {
  const roles = JSON.stringify(template.findOutputs("LeadScoringSenderIds"));
  expect(roles).toMatch(/ScoreLeadsRole[^,]*,"RoleId".*DraftLeadsRole[^,]*,"RoleId"/);
});

test("a stage without the workload has nothing of it", () => {
  expect(JSON.stringify(templateOf().toJSON())).not.toMatch(
    /LeadScoring|Lead(s|Runs|Answers)\b|WorkloadsTable/,
  );
});

test("the workloads' table is recoverable, protected, kept, and forgets what is over", () => {
  template.hasResource("AWS::DynamoDB::Table", {
    DeletionPolicy: "Retain",
    Properties: {
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      BillingMode: "PAY_PER_REQUEST",
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
    },
  });
  template.hasOutput("WorkloadsTableName", {});
});

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const policySchema = z.object({
  Roles: z.tuple([z.string()]),
  PolicyDocument: z.object({
    Statement: z.array(
      z.object({ Action: oneOrMore, Resource: oneOrMore, Condition: z.unknown().optional() }),
    ),
  }),
});
const grants = Object.values(resourcesOf(template, "AWS::IAM::Policy"))
  .map((policy) => policySchema.parse(policy))
  .filter(({ Roles: [role] }) => role.startsWith("WorkloadsLeadScoring"))
  .flatMap(({ Roles: [role], PolicyDocument }) =>
    PolicyDocument.Statement.flatMap((statement) =>
      statement.Action.flatMap((action) =>
        statement.Resource.map((resource) => ({ role, action, resource, condition: statement.Condition })),
      ),
    ),
  );

describe("its roles", () => {
  test("send no e-mail", () => {
    expect(grants.length).toBeGreaterThan(10);
    expect(grants.filter(({ action }) => action.startsWith("ses:"))).toEqual([]);
  });

  test("know nothing of the ledger, the job map and the batches, and reach jobs only by the queue of the tier low", () => {
    expect(grants.filter(({ resource }) => /TenantLedger|JobMap|Batches/.test(resource))).toEqual([]);
    const sends = grants.filter(({ action }) => action === "sqs:SendMessage");
    expect(sends.map(({ resource }) => resource.replace(/^.*:Queues|[0-9A-F]{8}$/g, ""))).toEqual([
      "jobslow",
      "jobslow",
    ]);
  });

  test("read no tenants but those that have the workload, and no policies by query", () => {
    const queries = grants.filter(
      ({ action, resource }) => action === "dynamodb:Query" && resource.includes("Tenants"),
    );
    expect(queries).toMatchObject([
      { condition: { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["WORKLOAD#leadScoring"] } } },
    ]);
  });

  test("read and write objects under their own prefixes only", () => {
    const objects = grants.filter(({ action }) => /^s3:(Get|Put|Delete)Object$/.test(action));
    for (const { resource } of objects)
      expect(resource).toMatch(/\/(inbox\/tenant=\*\/leads\/|workloads\/lead-scoring\/|results\/)/);
  });
});
