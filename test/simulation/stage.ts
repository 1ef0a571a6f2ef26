import { z } from "zod";
import {
  GATEWAY_FUNCTION_IDS,
  folderOf,
  type GatewayFunctionId,
  limitsOf,
} from "../../lib/function-limits.ts";
import { resourcesOf, templateOf } from "../lib/stage-template.ts";

/** What the synthesized template says of a stage, as plain data that can be handed to threads. */
export type Stage = {
  /** By name without the stack's. */
  readonly machines: Readonly<Record<string, string>>;
  /** Construct ids by the function's ARN. */
  readonly functions: Readonly<Record<string, GatewayFunctionId>>;
  readonly timeoutMs: Readonly<Record<string, number>>;
  readonly queues: readonly StageQueue[];
  readonly mappings: readonly StageMapping[];
  readonly schedules: readonly StageSchedule[];
};

export type StageQueue = {
  /** Without the stack's. */
  readonly name: string;
  readonly url: string;
  readonly visibilityMs: number;
  readonly maxReceives: number;
  readonly deadLetters: string | null;
};

type StageMapping = {
  readonly functionId: GatewayFunctionId;
  readonly queue: string;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly concurrency: number;
};

/** `machine` or `functionId` is what it starts; the input names the scheduled time as the scheduler does. */
export type StageSchedule = {
  readonly periodMs: number;
  readonly machine: string | null;
  readonly functionId: GatewayFunctionId | null;
  readonly input: string | null;
};

const UNLIMITED_CONCURRENCY = 10;
const DEFAULT_VISIBILITY_SECONDS = 30;

const queueSchema = z.object({
  QueueName: z.string(),
  VisibilityTimeout: z.number().default(DEFAULT_VISIBILITY_SECONDS),
  RedrivePolicy: z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.number() }).optional(),
});
const mappingSchema = z.object({
  FunctionName: z.string(),
  EventSourceArn: z.string(),
  BatchSize: z.number(),
  MaximumBatchingWindowInSeconds: z.number().default(0),
  ScalingConfig: z.object({ MaximumConcurrency: z.number() }).optional(),
});
const scheduleSchema = z.object({
  ScheduleExpression: z.string(),
  Target: z.object({ Arn: z.string(), Input: z.string().optional() }),
});

/** Synthesizes the stack, without bundling its functions, and reads the stage from its template. */
export function readStage(settings?: object): Stage {
  const template = templateOf(settings);
  const parsed = <Schema extends z.ZodType>(type: string, schema: Schema) =>
    Object.entries(resourcesOf(template, type)).map(([id, value]) => [id, schema.parse(value)] as const);
  const functionIds = new Map(
    parsed("AWS::Lambda::Function", z.object({ Description: z.string().default("") })).flatMap(
      ([id, { Description }]) => {
        const found = GATEWAY_FUNCTION_IDS.find((each) => Description === `Offpeak ${folderOf(each)}`);
        return found === undefined ? [] : [[id, found] as const];
      },
    ),
  );
  const queues = parsed("AWS::SQS::Queue", queueSchema);
  const names = new Map(queues.map(([id, { QueueName }]) => [id, QueueName.replace(/^Offpeak-/, "")]));
  const functionOf = (reference: string): GatewayFunctionId =>
    known(functionIds.get(lastPart(reference)), reference);
  const queueOf = (arn: string): string => known(names.get(lastPart(arn)), arn);
  const machines = parsed(
    "AWS::StepFunctions::StateMachine",
    z.object({ StateMachineName: z.string(), DefinitionString: z.string() }),
  );
  const machineNames = new Map(
    machines.map(([id, { StateMachineName }]) => [id, StateMachineName.replace("Offpeak-", "")]),
  );
  return {
    machines: Object.fromEntries(
      machines.map(([id, { DefinitionString }]) => [machineNames.get(id) ?? "", DefinitionString]),
    ),
    functions: Object.fromEntries(functionIds),
    timeoutMs: Object.fromEntries(
      GATEWAY_FUNCTION_IDS.map((id) => [id, limitsOf(id).timeout.toMilliseconds()]),
    ),
    queues: queues.map(([id, { VisibilityTimeout, RedrivePolicy }]) => ({
      name: names.get(id) ?? "",
      url: `https://sqs.eu-central-1.amazonaws.com/111122223333/${id}`,
      visibilityMs: VisibilityTimeout * 1000,
      maxReceives: RedrivePolicy?.maxReceiveCount ?? Number.MAX_SAFE_INTEGER,
      deadLetters: RedrivePolicy ? queueOf(RedrivePolicy.deadLetterTargetArn) : null,
    })),
    mappings: parsed("AWS::Lambda::EventSourceMapping", mappingSchema).map(([, mapping]) => ({
      functionId: functionOf(mapping.FunctionName),
      queue: queueOf(mapping.EventSourceArn),
      batchSize: mapping.BatchSize,
      windowSeconds: mapping.MaximumBatchingWindowInSeconds,
      concurrency: mapping.ScalingConfig?.MaximumConcurrency ?? UNLIMITED_CONCURRENCY,
    })),
    schedules: parsed("AWS::Scheduler::Schedule", scheduleSchema).map(
      ([, { ScheduleExpression, Target }]) => {
        const machine = machineNames.get(lastPart(Target.Arn)) ?? null;
        return {
          periodMs: periodOf(ScheduleExpression),
          machine,
          functionId: machine === null ? functionOf(Target.Arn) : null,
          input: Target.Input ?? null,
        };
      },
    ),
  };
}

/** A stage that was written as JSON by somebody who had read it. */
export function parseStage(text: string): Stage {
  return JSON.parse(text) as Stage;
}

function lastPart(reference: string): string {
  return reference.slice(Math.max(reference.lastIndexOf(":"), reference.lastIndexOf("/")) + 1);
}

function known<Value>(value: Value | undefined, reference: string): Value {
  if (value === undefined) throw new Error(`the template names ${reference}, which it does not have`);
  return value;
}

const UNIT_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

function periodOf(expression: string): number {
  const found = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (!found) throw new Error(`${expression} is no rate that the simulation knows`);
  return Number(found[1]) * UNIT_MS[found[2] as keyof typeof UNIT_MS];
}
