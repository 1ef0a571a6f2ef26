import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { z } from "zod";
import { WORKLOADS } from "../../lambdas/domain/workloads.ts";
import { OffpeakStack } from "../../lib/offpeak-stack.ts";
import { readStageSettings } from "../../lib/stage-settings.ts";

/** A stage without its functions' bundles and CDK's own template rules, which take seconds: `npm run synth` has both. */
export function stageOf(settings: object = {}): { readonly app: App; readonly stack: OffpeakStack } {
  const app = new App({
    context: { "aws:cdk:bundling-stacks": [] },
    builtinCloudFormationValidation: false,
  });
  const read = readStageSettings(settings);
  return { app, stack: new OffpeakStack(app, read.stackName, { settings: read }) };
}

export function templateOf(settings?: object): Template {
  return Template.fromStack(stageOf(settings).stack);
}

/** Settings that switch on every workload. */
export const EVERY_WORKLOAD = {
  workloads: { ...Object.fromEntries(WORKLOADS.map((name) => [name, true])), s3Vectors: true },
};

const resourceSchema = z.object({ Properties: z.record(z.string(), z.unknown()) });

/** The properties of the resources of a type by logical id, references replaced as `resolve` does. */
export function resourcesOf(template: Template, type: string): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(template.findResources(type)).map(([id, resource]) => {
      const { Properties } = resourceSchema.parse(resource);
      return [id, z.record(z.string(), z.unknown()).parse(resolve(template, Properties))];
    }),
  );
}

/** The value with each reference replaced by something of the right shape that names what it points to. */
export function resolve(template: Template, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(template, item));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [name = "", argument] = entries.length === 1 ? (entries[0] ?? []) : [];
  switch (name) {
    case "Ref":
      return reference(template, String(argument));
    case "Fn::GetAtt":
      return arn(template, String(argument[0]));
    case "Fn::Join":
      return z.array(z.string()).parse(resolve(template, argument[1])).join(String(argument[0]));
    default:
      return Object.fromEntries(entries.map(([key, inner]) => [key, resolve(template, inner)]));
  }
}

const PSEUDO: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": "eu-central-1",
  "AWS::AccountId": "111122223333",
};

function typeOf(template: Template, logicalId: string): string {
  const resources = z
    .record(z.string(), z.object({ Type: z.string() }))
    .parse(template.toJSON()["Resources"]);
  return resources[logicalId]?.Type ?? "";
}

function reference(template: Template, name: string): string {
  switch (typeOf(template, name)) {
    case "AWS::SQS::Queue":
      return `https://sqs.eu-central-1.amazonaws.com/111122223333/${name}`;
    case "AWS::StepFunctions::StateMachine":
    case "AWS::SecretsManager::Secret":
      return arn(template, name);
    default:
      return PSEUDO[name] ?? name;
  }
}

function arn(template: Template, logicalId: string): string {
  switch (typeOf(template, logicalId)) {
    case "AWS::S3::Bucket":
      return `arn:aws:s3:::${logicalId}`;
    case "AWS::Lambda::Function":
      return `arn:aws:lambda:eu-central-1:111122223333:function:${logicalId}`;
    case "AWS::StepFunctions::StateMachine":
      return `arn:aws:states:eu-central-1:111122223333:stateMachine:${logicalId}`;
    default:
      return `arn:aws:some:eu-central-1:111122223333:${logicalId}`;
  }
}
