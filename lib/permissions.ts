import { ArnFormat, Stack, Validations } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { IStateMachine } from "aws-cdk-lib/aws-stepfunctions";
import type { Construct } from "constructs";
import type { Workload } from "../lambdas/domain/workloads.ts";

/** What a role may do: one statement, and the reason for every resource in it that is a pattern. */
export type Permission = {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, readonly string[] | string>>>>;
  readonly patternReason?: string;
};

const OBJECTS =
  "Object keys hold the ids of jobs, segments and batches: the pattern is the narrowest known at deployment.";

function objects(actions: readonly string[], bucket: IBucket, patterns: readonly string[]): Permission {
  const resources = patterns.map((pattern) => bucket.arnForObjects(pattern));
  return { actions, resources, patternReason: OBJECTS };
}

/** Patterns of keys, such as `batches/*`. */
export function readObjects(bucket: IBucket, ...patterns: readonly string[]): Permission {
  return objects(["s3:GetObject"], bucket, patterns);
}

/** Whole or as multipart uploads, which are cut off when their stream fails. */
export function writeObjects(bucket: IBucket, ...patterns: readonly string[]): Permission {
  return objects(["s3:PutObject", "s3:AbortMultipartUpload"], bucket, patterns);
}

export function deleteObjects(bucket: IBucket, ...patterns: readonly string[]): Permission {
  return objects(["s3:DeleteObject"], bucket, patterns);
}

/** The keys under a prefix that ends in a slash. */
export function listObjects(bucket: IBucket, prefix: string): Permission {
  return {
    actions: ["s3:ListBucket"],
    resources: [bucket.bucketArn],
    conditions: { StringLike: { "s3:prefix": [`${prefix}*`] } },
  };
}

/**
 * For a function to which a missing object is an answer and no fault: without s3:ListBucket on the bucket S3 says 403
 * instead of 404. A GetObject or HeadObject carries no `s3:prefix`, so only requests without one are let through.
 */
export function tellMissingObjects(bucket: IBucket): Permission {
  return {
    actions: ["s3:ListBucket"],
    resources: [bucket.bucketArn],
    conditions: { Null: { "s3:prefix": "true" } },
  };
}

type TableAction =
  | "GetItem"
  | "BatchGetItem"
  | "Query"
  | "PutItem"
  | "UpdateItem"
  | "DeleteItem"
  | "BatchWriteItem";

export function useTable(table: ITable, ...actions: readonly TableAction[]): Permission {
  return { actions: actions.map((action) => `dynamodb:${action}`), resources: [table.tableArn] };
}

/** Of the tenants table, what tenants have used of their limits: policies lie beside it, and are not to be written. */
export function useLimits(
  tenants: ITable,
  ...actions: readonly ("GetItem" | "Query" | "PutItem")[]
): Permission {
  return {
    ...useTable(tenants, ...actions),
    conditions: {
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["LIMITS#*"] },
      // Without keys every value of none is like anything.
      Null: { "dynamodb:LeadingKeys": "false" },
    },
  };
}

/** Of the tenants table, which tenants have or had a workload. */
export function findTenantsWith(tenants: ITable, workload: Workload): Permission {
  return {
    ...useTable(tenants, "Query"),
    conditions: {
      "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": [`WORKLOAD#${workload}`] },
      Null: { "dynamodb:LeadingKeys": "false" },
    },
  };
}

export function sendTo(...queues: readonly IQueue[]): Permission {
  return { actions: ["sqs:SendMessage"], resources: queues.map((queue) => queue.queueArn) };
}

/**
 * Receiving by the function's own calls, and showing again what is left for others; an event source mapping brings its
 * own permissions.
 */
export function receiveFrom(...queues: readonly IQueue[]): Permission {
  return {
    actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
    resources: queues.map((queue) => queue.queueArn),
  };
}

export function readSecrets(...secrets: readonly ISecret[]): Permission {
  return { actions: ["secretsmanager:GetSecretValue"], resources: secrets.map((secret) => secret.secretArn) };
}

export function startExecutions(...machines: readonly IStateMachine[]): Permission {
  return {
    actions: ["states:StartExecution"],
    resources: machines.map((machine) => machine.stateMachineArn),
  };
}

/** Looking at executions of the machine of that name. */
export function describeExecutions(scope: Construct, machineName: string): Permission {
  return {
    actions: ["states:DescribeExecution"],
    resources: [
      Stack.of(scope).formatArn({
        service: "states",
        resource: "execution",
        resourceName: `${machineName}:*`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    ],
    patternReason: "An execution is named after its batch, which is made after deployment.",
  };
}

/** Grants to `role`, and acknowledges on it each resource pattern with its reason. */
export function grant(role: Role, permissions: readonly Permission[]): void {
  for (const { actions, resources, conditions, patternReason } of permissions) {
    role.addToPolicy(
      new PolicyStatement({
        actions: [...actions],
        resources: [...resources],
        ...(conditions && { conditions }),
      }),
    );
    if (patternReason === undefined) continue;
    for (const resource of resources) {
      const id = `AwsSolutions-IAM5[Resource::${flatten(Stack.of(role).resolve(resource))}]`;
      Validations.of(role).acknowledge({ id, reason: patternReason });
    }
  }
}

/** A resolved ARN as cdk-nag writes it in its finding: `<LogicalId.Attribute>` in place of what is known later. */
function flatten(value: unknown): string {
  if (typeof value === "string") return value;
  const [[name, argument] = ["", undefined]] = Object.entries(Object(value));
  if (name === "Ref") return `<${String(argument)}>`;
  if (name === "Fn::GetAtt" && Array.isArray(argument)) return `<${argument.join(".")}>`;
  if (name === "Fn::Join" && Array.isArray(argument) && Array.isArray(argument[1])) {
    return argument[1].map(flatten).join(String(argument[0]));
  }
  throw new Error(`cannot write ${JSON.stringify(value)} as part of an ARN`);
}
