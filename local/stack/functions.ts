import { statSync } from "node:fs";
import { z } from "zod";
import type { LocalAws } from "../aws/local-aws.ts";
import type { FunctionSpec } from "../lambda/lambda-function.ts";
import type { LambdaHost } from "../lambda/lambda-host.ts";
import { BUILT_TYPES } from "./resource-types.ts";
import type { Roles } from "./roles.ts";
import type { NamedResource, StackResources } from "./stack-resources.ts";
import type { Template } from "./template.ts";

const functionSchema = z.object({
  Code: z.object({ S3Key: z.string() }, { error: "only functions made from assets can run here" }),
  Handler: z.string(),
  Role: z.string(),
  Timeout: z.number().default(3),
  MemorySize: z.number().default(128),
  ReservedConcurrentExecutions: z.number().positive().optional(),
  Environment: z.object({ Variables: z.record(z.string(), z.string()) }).optional(),
});

/** Environment variables by the construct id of a function, and under `*` for all of them. */
export type EnvironmentOverrides = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface FunctionOptions {
  readonly environment: EnvironmentOverrides;
  readonly maxConcurrency: number;
}

/** Adds every function of the stack to the host. */
export function addFunctions(
  host: LambdaHost,
  stack: { readonly resources: StackResources; readonly template: Template; readonly roles: Roles },
  aws: LocalAws,
  options: FunctionOptions,
): void {
  for (const resource of stack.resources.ofType(BUILT_TYPES.function)) {
    const properties = functionSchema.parse(stack.resources.resolve(resource.properties));
    host.add({
      ...specOf(resource, properties),
      codeFolder: codeFolder(stack.template, properties.Code.S3Key),
      maxConcurrency: Math.min(options.maxConcurrency, properties.ReservedConcurrentExecutions ?? Infinity),
      env: {
        ...properties.Environment?.Variables,
        ...options.environment["*"],
        ...options.environment[constructId(resource)],
        ...runtimeVariables(resource, properties, aws, stack.roles),
      },
    });
  }
}

/** The id that the function has in the CDK code. */
export function constructId(resource: NamedResource): string {
  return resource.constructPath.at(-1) ?? resource.logicalId;
}

type Properties = z.infer<typeof functionSchema>;

function specOf(
  resource: NamedResource,
  properties: Properties,
): Pick<FunctionSpec, "handler" | "functionName" | "functionArn" | "timeoutMs" | "memoryMb"> {
  return {
    handler: properties.Handler,
    functionName: resource.name,
    functionArn: resource.arn,
    timeoutMs: properties.Timeout * 1000,
    memoryMb: properties.MemorySize,
  };
}

function codeFolder(template: Template, key: string): string {
  const folder = template.assets.get(key);
  if (folder === undefined) throw new Error(`the cloud assembly has no asset ${key}`);
  if (!statSync(folder).isDirectory()) throw new Error(`the asset ${folder} is not a folder`);
  return folder;
}

/** What Lambda sets itself, and the endpoint, which here stands for the whole of AWS. */
function runtimeVariables(
  resource: NamedResource,
  properties: Properties,
  aws: LocalAws,
  roles: Roles,
): Record<string, string> {
  const { accessKeyId, secretAccessKey } = roles.byArn(properties.Role);
  return {
    AWS_REGION: aws.region,
    AWS_DEFAULT_REGION: aws.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: resource.name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(properties.MemorySize),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${resource.name}`,
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
  };
}
