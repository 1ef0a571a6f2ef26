import { describe, expect, test } from "vitest";
import { z } from "zod";
import { EVERY_WORKLOAD, resourcesOf, templateOf } from "./stage-template.ts";

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const policySchema = z.object({
  Roles: z.tuple([z.string()]),
  PolicyDocument: z.object({
    Statement: z.array(
      z.object({
        Effect: z.literal("Allow"),
        Action: oneOrMore,
        Resource: oneOrMore,
        Condition: z.unknown().optional(),
      }),
    ),
  }),
});

type Grant = {
  readonly role: string;
  readonly action: string;
  readonly resource: string;
  readonly condition: unknown;
};

/** Everything that the roles of a stage may do; logical ids of resources are cut to what the code calls them. */
function grantsOf(settings?: object): Grant[] {
  const policies = Object.values(resourcesOf(templateOf(settings), "AWS::IAM::Policy"));
  return policies
    .map((policy) => policySchema.parse(policy))
    .flatMap(({ Roles: [role], PolicyDocument }) =>
      PolicyDocument.Statement.flatMap(({ Action, Resource, Condition: condition }) =>
        Action.flatMap((action) =>
          Resource.map((resource) => ({ role: nameOf(role), action, resource: nameOf(resource), condition })),
        ),
      ),
    );
}

function nameOf(id: string): string {
  return id
    .replace(/^(BatchWorkflow|DirectLane|Escalation|Intake|Reconciliation|ResultDelivery|Sweeping)/, "")
    .replace(/(Role)?[0-9A-F]{8}(?=$|\/)/, "");
}

const grants = grantsOf();

/** The roles that may do an action on resources whose name ends so. */
function rolesWith(action: string, resource: string): string[] {
  const roles = grants.filter((grant) => grant.action === action && grant.resource.includes(resource));
  return [...new Set(roles.map(({ role }) => role))].toSorted();
}

test("no policy names an action by pattern", () => {
  expect(grantsOf(EVERY_WORKLOAD).filter(({ action }) => action.includes("*"))).toEqual([]);
});

test("no policy names a resource by pattern, but for objects under a prefix, vector indexes, tenants' queues, a machine's executions and log deliveries", () => {
  const objects =
    /^arn:aws:s3:::StorageGatewayBucket\/(uploads|inbox|kb|workloads|segments|windows|batches|results|dead-letters)\//;
  const patterns = grantsOf(EVERY_WORKLOAD).filter(
    ({ action, resource }) =>
      resource.includes("*") &&
      !(action.startsWith("s3:") && objects.test(resource)) &&
      !(/^s3vectors:(CreateIndex|PutVectors|DeleteVectors)$/.test(action) && resource.endsWith("/index/*")) &&
      !(action === "sqs:SendMessage" && resource.endsWith(":Offpeak-results-*")) &&
      !(action === "states:DescribeExecution" && resource.endsWith(":execution:Offpeak-RunBatch:*")) &&
      !(action.startsWith("logs:") && action !== "logs:PutLogEvents" && resource === "*"),
  );
  expect(patterns).toEqual([]);
});

test("no role has a managed policy", () => {
  const roles = Object.values(resourcesOf(templateOf(), "AWS::IAM::Role"));
  expect(roles.filter((role) => "ManagedPolicyArns" in role || "Policies" in role)).toEqual([]);
});

describe("who may", () => {
  test("read the providers' keys: what talks to providers", () => {
    const callers = [
      "CloseBatch",
      "CollectResults",
      "PollBatch",
      "RunFlex",
      "RunJob",
      "SubmitBatch",
      "SweepLeftovers",
    ];
    expect(rolesWith("secretsmanager:GetSecretValue", "ProviderAccounts")).toEqual(callers);
  });

  test("write the ledger: what settles, which cannot change an entry", () => {
    expect(rolesWith("dynamodb:PutItem", "StorageTenantLedger")).toEqual(["RunFlex", "RunJob", "SettlePart"]);
    for (const action of ["UpdateItem", "DeleteItem", "BatchWriteItem"]) {
      expect(rolesWith(`dynamodb:${action}`, "StorageTenantLedger")).toEqual([]);
    }
  });

  test("change a tenant's policy: no function", () => {
    const onTenants = grants.filter(({ resource }) => resource.includes("StorageTenants"));
    const limitsOnly = {
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["LIMITS#*"] },
      Null: { "dynamodb:LeadingKeys": "false" },
    };
    for (const { action, condition } of onTenants)
      expect({ action, condition }).toEqual({
        action: expect.stringMatching(/:(GetItem|Query|PutItem)$/),
        condition: action === "dynamodb:GetItem" ? (condition ?? undefined) : limitsOnly,
      });
    expect(rolesWith("dynamodb:PutItem", "StorageTenants")).toEqual([
      "AdmitJobs",
      "RunJob",
      "SweepLeftovers",
    ]);
  });

  test("read a whole table: nobody; a partition of one: what reconciles, what sweeps, what plans and what looks for late batches", () => {
    expect(grants.filter(({ action }) => /Scan|PartiQL/.test(action))).toEqual([]);
    expect(rolesWith("dynamodb:Query", "Storage")).toEqual([
      "EscalateJobs",
      "PlanWindow",
      "ReconcileBatches",
      "SweepLeftovers",
    ]);
    expect(rolesWith("dynamodb:Query", "StorageJobMap")).toEqual([]);
  });

  test("reconcile: what may read, and change nothing", () => {
    const actions = grants.filter(({ role }) => role === "ReconcileBatches").map(({ action }) => action);
    expect(
      actions.filter((action) => !/:(Get|BatchGet|Query|List|CreateLogStream|PutLogEvents)/.test(action)),
    ).toEqual([]);
  });

  test("send to tenants: deliver-results, and run-job for those who wait", () => {
    expect(rolesWith("sqs:SendMessage", "-results-")).toEqual(["DeliverResults", "RunJob"]);
    const extra = "arn:aws:sqs:us-east-1:444455556666:acme";
    const extended = grantsOf({ extraDeliveryQueueArns: [extra] });
    expect(extended.filter(({ resource }) => resource === extra)).toMatchObject([
      { role: "RunJob", action: "sqs:SendMessage" },
      { role: "DeliverResults", action: "sqs:SendMessage" },
    ]);
  });

  test("have jobs run at once: our own functions", () => {
    expect(rolesWith("sqs:SendMessage", ":Queuesruns")).toEqual([
      "AdmitJobs",
      "EscalateJobs",
      "FreezeWindow",
      "PlanWindow",
      "RetryDeadLetters",
      "RunFlex",
      "RunJob",
      "SettlePart",
      "SweepLeftovers",
    ]);
  });

  test("have jobs called in the flex lane: what takes run requests, which is called for nothing else", () => {
    expect(rolesWith("sqs:SendMessage", ":Queuesflexruns")).toEqual(["RunJob"]);
    expect(rolesWith("sqs:ReceiveMessage", ":Queuesflexruns")).toEqual(["RunFlex"]);
  });

  test("take dead letters: their retry, which sends them to our own queues and keeps large ones in the bucket", () => {
    const dead = ["jobscritical", "jobshigh", "jobsnormal", "jobslow", "runs", "deliveries"];
    for (const queue of dead) {
      for (const action of ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"])
        expect(rolesWith(`sqs:${action}`, `:Queues${queue}dead`)).toEqual(["RetryDeadLetters"]);
    }
    expect(rolesWith("sqs:SendMessage", ":Queuesdeliveries")).toContain("RetryDeadLetters");
    expect(rolesWith("s3:PutObject", "/dead-letters/")).toEqual(["AdmitJobs", "RetryDeadLetters", "RunJob"]);
    expect(rolesWith("s3:GetObject", "/dead-letters/")).toEqual(["RunJob"]);
  });

  test("end a job that is cancelled: what takes messages, which reads what was admitted and stores the result", () => {
    for (const role of ["AdmitJobs", "RunJob"]) {
      expect(rolesWith("s3:GetObject", "/segments/lines/")).toContain(role);
      expect(rolesWith("s3:PutObject", "/results/")).toContain(role);
      expect(rolesWith("dynamodb:UpdateItem", "StorageJobMap")).toContain(role);
    }
  });

  test("read tenants' uploads: what admits", () => {
    expect(rolesWith("s3:GetObject", "/uploads/")).toEqual(["AdmitJobs", "RunJob"]);
    expect(rolesWith("s3:PutObject", "/uploads/")).toEqual([]);
  });

  test("delete objects: what takes a segment off the open ones, or a late batch off those that jobs are leaving", () => {
    const deleted = grants
      .filter(({ action }) => action === "s3:DeleteObject")
      .map(({ resource }) => resource);
    expect([...new Set(deleted)]).toEqual([
      "arn:aws:s3:::StorageGatewayBucket/segments/open/*",
      "arn:aws:s3:::StorageGatewayBucket/batches/late/*/*",
    ]);
  });

  test("list keys: freeze-window and the sweeper the open segments, escalate-jobs the batches that jobs are leaving; others only learn that an object is missing", () => {
    const conditions = grants
      .filter(({ action }) => action === "s3:ListBucket")
      .map(({ role, condition }) => `${role} ${JSON.stringify(condition)}`);
    const missing = JSON.stringify({ Null: { "s3:prefix": "true" } });
    const open = JSON.stringify({ StringLike: { "s3:prefix": ["segments/open/*"] } });
    const late = JSON.stringify({ StringLike: { "s3:prefix": ["batches/late/*"] } });
    expect(conditions.toSorted()).toEqual(
      [
        `AdmitJobs ${missing}`,
        `EscalateJobs ${late}`,
        `ReconcileBatches ${missing}`,
        `FreezeWindow ${missing}`,
        `FreezeWindow ${open}`,
        `RunFlex ${missing}`,
        `RunJob ${missing}`,
        `SweepLeftovers ${missing}`,
        `SweepLeftovers ${open}`,
        `WriteBatch ${missing}`,
      ].toSorted(),
    );
  });

  test("invoke functions: each state machine its own, the scheduler those with a clock", () => {
    const invoked = grants
      .filter(({ action }) => action === "lambda:InvokeFunction")
      .map(({ role, resource }) => [role, nameOf(resource.slice(resource.lastIndexOf(":") + 1))]);
    const of = (role: string) => invoked.filter(([by]) => by === role).map(([, name]) => name);
    expect(of("RunBatch")).toEqual([
      "WriteBatch",
      "SubmitBatch",
      "PollBatch",
      "CollectResults",
      "SettlePart",
      "CloseBatch",
    ]);
    expect(of("AssembleWindow")).toEqual(["FreezeWindow", "PlanWindow", "CloseWindow"]);
    expect(of("Schedules")).toEqual([
      "RetryDeadLetters",
      "SweepLeftovers",
      "EscalateJobs",
      "ReconcileBatches",
    ]);
  });

  test("start executions: windows those of batches, the sweeper those again, the scheduler windows", () => {
    const starts = grants
      .filter(({ action }) => action === "states:StartExecution")
      .map(({ role, resource }) => `${role} ${nameOf(resource.slice(resource.lastIndexOf(":") + 1))}`);
    expect(starts.toSorted()).toEqual(
      ["AssembleWindow RunBatch", "Schedules AssembleWindow", "SweepLeftovers RunBatch"].toSorted(),
    );
    expect(rolesWith("states:DescribeExecution", "")).toEqual(["SweepLeftovers"]);
  });

  test("sweep: finish segments, start batches, own providers' batches, and nothing else", () => {
    const own = grants
      .filter(({ role, action }) => role === "SweepLeftovers" && !action.startsWith("logs:"))
      .map(({ action, resource }) => `${action} ${resource.slice(resource.lastIndexOf(":") + 1)}`);
    const bucket = "StorageGatewayBucket";
    expect(own.map((grant) => grant.replaceAll(/(?<=\w)[0-9A-F]{8}(?=$|\/)/g, "")).toSorted()).toEqual(
      [
        `s3:ListBucket ${bucket}`,
        `s3:ListBucket ${bucket}`,
        `s3:GetObject ${bucket}/segments/lines/*.jsonl`,
        `s3:GetObject ${bucket}/segments/index/*.jsonl`,
        `s3:GetObject ${bucket}/segments/open/*`,
        `s3:GetObject ${bucket}/batches/*/manifest.jsonl`,
        `s3:PutObject ${bucket}/segments/index/*.jsonl`,
        `s3:AbortMultipartUpload ${bucket}/segments/index/*.jsonl`,
        `s3:DeleteObject ${bucket}/segments/open/*`,
        "dynamodb:GetItem StorageJobMap",
        "dynamodb:BatchGetItem StorageJobMap",
        "dynamodb:PutItem StorageJobMap",
        "dynamodb:GetItem StorageTenants",
        "dynamodb:Query StorageTenants",
        "dynamodb:PutItem StorageTenants",
        "sqs:SendMessage Queuesruns",
        "dynamodb:GetItem StorageBatches",
        "dynamodb:Query StorageBatches",
        "dynamodb:PutItem StorageBatches",
        "dynamodb:DeleteItem StorageBatches",
        "states:StartExecution BatchWorkflowRunBatch",
        "states:DescribeExecution *",
        "secretsmanager:GetSecretValue ProviderAccountsOpenAiApiKey",
        "secretsmanager:GetSecretValue ProviderAccountsAnthropicApiKey",
      ].toSorted(),
    );
  });
});
