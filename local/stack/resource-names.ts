import { z } from "zod";
import type { LocalAws } from "../aws/local-aws.ts";
import { BUILT_TYPES } from "./resource-types.ts";
import type { Resource } from "./template.ts";

export interface Place {
  readonly stackName: string;
  readonly region: string;
  readonly accountId: string;
  readonly endpoint: string;
}

export function placeOf(aws: LocalAws, stackName: string): Place {
  return { stackName, region: aws.region, accountId: aws.accountId, endpoint: aws.endpoint };
}

/** Which property names a resource, where its author chose a name. */
const NAME_PROPERTIES: Readonly<Record<string, string>> = {
  [BUILT_TYPES.queue]: "QueueName",
  [BUILT_TYPES.table]: "TableName",
  [BUILT_TYPES.globalTable]: "TableName",
  [BUILT_TYPES.bucket]: "BucketName",
  [BUILT_TYPES.vectorBucket]: "VectorBucketName",
  [BUILT_TYPES.secret]: "Name",
  [BUILT_TYPES.role]: "RoleName",
  [BUILT_TYPES.function]: "FunctionName",
  [BUILT_TYPES.stateMachine]: "StateMachineName",
  [BUILT_TYPES.schedule]: "Name",
  "AWS::Logs::LogGroup": "LogGroupName",
};

/** Types whose names are in lower case, and of 63 characters at most. */
const LOWER_CASE: ReadonlySet<string> = new Set([BUILT_TYPES.bucket, BUILT_TYPES.vectorBucket]);

/** The name that its author gave, with `resolveName` for the intrinsic functions in it, or `<stack>-<logical id>`. */
export function physicalName(
  resource: Resource,
  place: Place,
  resolveName: (value: unknown) => unknown,
): string {
  const property = NAME_PROPERTIES[resource.type];
  const given = property === undefined ? undefined : resource.properties[property];
  if (given !== undefined) return z.string().parse(resolveName(given));
  const name = `${place.stackName}-${resource.logicalId}`;
  return LOWER_CASE.has(resource.type) ? name.toLowerCase().slice(0, 63) : name;
}

/** The ARN in AWS's shape, the same that the local AWS derives from a request. */
export function arnOf(type: string, name: string, { region, accountId }: Place): string {
  const regional = (service: string, rest: string): string =>
    `arn:aws:${service}:${region}:${accountId}:${rest}`;
  switch (type) {
    case BUILT_TYPES.queue:
      return regional("sqs", name);
    case BUILT_TYPES.table:
    case BUILT_TYPES.globalTable:
      return regional("dynamodb", `table/${name}`);
    case BUILT_TYPES.bucket:
      return `arn:aws:s3:::${name}`;
    case BUILT_TYPES.vectorBucket:
      return regional("s3vectors", `bucket/${name}`);
    case BUILT_TYPES.role:
      return `arn:aws:iam::${accountId}:role/${name}`;
    case BUILT_TYPES.function:
      return regional("lambda", `function:${name}`);
    case BUILT_TYPES.stateMachine:
      return regional("states", `stateMachine:${name}`);
    case BUILT_TYPES.schedule:
      return regional("scheduler", `schedule/default/${name}`);
    case "AWS::Logs::LogGroup":
      return regional("logs", `log-group:${name}:*`);
    default:
      return regional(type.split("::")[1]?.toLowerCase() ?? "unknown", name);
  }
}

export function queueUrlOf(name: string, { endpoint, accountId }: Place): string {
  return `${endpoint}/${accountId}/${name}`;
}
