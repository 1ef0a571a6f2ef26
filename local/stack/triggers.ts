import { SQSClient } from "@aws-sdk/client-sqs";
import { z } from "zod";
import type { LocalAws } from "../aws/local-aws.ts";
import { QueueMapping } from "../events/queue-mapping.ts";
import { parseRate, Schedule } from "../events/schedule.ts";
import type { LambdaHost } from "../lambda/lambda-host.ts";
import type { Clock } from "../step-functions/clock.ts";
import type { Machines } from "./machines.ts";
import { queueUrlOf, type Place } from "./resource-names.ts";
import { BUILT_TYPES } from "./resource-types.ts";
import type { Roles } from "./roles.ts";
import type { NamedResource, StackResources } from "./stack-resources.ts";

const tags = z.unknown().optional();
// Strict: a filter or destination that is skipped would change what a function sees.
const mappingSchema = z.strictObject({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  BatchSize: z.int().min(1).max(10_000).default(10),
  MaximumBatchingWindowInSeconds: z.number().min(0).max(300).default(0),
  ScalingConfig: z.object({ MaximumConcurrency: z.int().min(2).max(1000) }).optional(),
  FunctionResponseTypes: z.array(z.literal("ReportBatchItemFailures")).default([]),
  Enabled: z.boolean().default(true),
  Tags: tags,
});

const scheduleSchema = z.strictObject({
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.string().optional(),
  State: z.enum(["ENABLED", "DISABLED"]).default("ENABLED"),
  FlexibleTimeWindow: z.object({ Mode: z.literal("OFF") }),
  Target: z.object({ Arn: z.string(), RoleArn: z.string(), Input: z.string().default("{}") }),
  Name: z.string().optional(),
  Description: z.string().optional(),
  GroupName: z.string().optional(),
});

/** Batches at a time where the template sets no limit, as many as Lambda starts with. */
const DEFAULT_CONCURRENCY = 5;

export interface TriggerContext {
  readonly resources: StackResources;
  readonly roles: Roles;
  readonly host: LambdaHost;
  readonly machines: Machines;
  readonly aws: LocalAws;
  readonly place: Place;
  readonly clock: Clock;
  /** Batching windows and schedule periods are divided by this. */
  readonly speed: number;
  readonly log: (line: string) => void;
}

export interface Trigger {
  readonly activeCount: number;
  start(): void;
  stop(): Promise<void>;
}

/** What starts work in a stack: queues with consumers, and schedules. None of them runs yet. */
export function createTriggers(context: TriggerContext): Trigger[] {
  const { resources } = context;
  return [
    ...resources.ofType(BUILT_TYPES.eventSourceMapping).flatMap((mapping) => queueMapping(mapping, context)),
    ...resources.ofType(BUILT_TYPES.schedule).flatMap((schedule) => scheduleOf(schedule, context)),
  ];
}

function queueMapping(resource: NamedResource, context: TriggerContext): Trigger[] {
  const { resources, roles, host, aws, place, clock, speed, log } = context;
  const mapping = mappingSchema.parse(resources.resolve(resource.properties));
  if (!mapping.Enabled) return [];
  const queue = resources.find(BUILT_TYPES.queue, mapping.EventSourceArn);
  const consumer = resources.find(BUILT_TYPES.function, mapping.FunctionName);
  const { Role } = z.object({ Role: z.string() }).parse(resources.resolve(consumer.properties));
  const sqs = new SQSClient({ endpoint: aws.endpoint, region: aws.region, credentials: roles.byArn(Role) });
  const loop = new QueueMapping({
    queueUrl: queueUrlOf(queue.name, place),
    queueArn: queue.arn,
    sqs,
    invoke: (event) => host.invoke(consumer.name, event),
    batchSize: mapping.BatchSize,
    windowMs: (mapping.MaximumBatchingWindowInSeconds * 1000) / speed,
    maximumConcurrency: mapping.ScalingConfig?.MaximumConcurrency ?? DEFAULT_CONCURRENCY,
    reportBatchItemFailures: mapping.FunctionResponseTypes.length > 0,
    clock,
    log,
  });
  return [withClient(loop, sqs)];
}

function withClient(loop: QueueMapping, sqs: SQSClient): Trigger {
  return {
    get activeCount() {
      return loop.activeCount;
    },
    start: () => loop.start(),
    stop: async () => {
      await loop.stop();
      sqs.destroy();
    },
  };
}

function scheduleOf(resource: NamedResource, context: TriggerContext): Trigger[] {
  const { resources, clock, speed, log } = context;
  const { ScheduleExpression, State, Target } = scheduleSchema.parse(resources.resolve(resource.properties));
  if (State === "DISABLED") return [];
  const periodMs = parseRate(ScheduleExpression) / speed;
  const fire = targetOf(Target, context);
  return [new Schedule({ arn: resource.arn, periodMs, input: Target.Input, clock, fire, log })];
}

/** The names of the functions that schedules call by themselves. */
export function scheduledFunctions(resources: StackResources): string[] {
  const targets = new Set(
    resources
      .ofType(BUILT_TYPES.schedule)
      .map(({ properties }) => scheduleSchema.parse(resources.resolve(properties)).Target.Arn),
  );
  return resources
    .ofType(BUILT_TYPES.function)
    .filter(({ arn }) => targets.has(arn))
    .map(({ name }) => name);
}

/** The call of a schedule's target. Throws when it is not in the stack or the schedule's role may not call it. */
function targetOf(
  target: { readonly Arn: string; readonly RoleArn: string },
  { resources, roles, host, machines }: TriggerContext,
): (input: string) => Promise<void> {
  const machine = machines.find(target.Arn);
  const action = machine === undefined ? "lambda:InvokeFunction" : "states:StartExecution";
  const decision = roles.permissions(target.RoleArn).decide({ action, resource: target.Arn, context: {} });
  if (decision !== "allowed") throw new Error(`${target.RoleArn} may not ${action} on ${target.Arn}`);
  if (machine !== undefined) {
    return async (input) => void machine.startExecution({ input: z.json().parse(JSON.parse(input)) });
  }
  const { name } = resources.find(BUILT_TYPES.function, target.Arn);
  return async (input) => {
    const result = await host.invoke(name, input);
    if (result.kind === "failed") throw new Error(`${result.error.errorType}: ${result.error.errorMessage}`);
  };
}
