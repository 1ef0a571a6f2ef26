import { z } from "zod";
import type { Json } from "./json.ts";
import { StatesError } from "./states-error.ts";

/** What a Task state calls. */
export type TaskResource =
  | { readonly kind: "lambda-invoke" }
  | { readonly kind: "lambda-function"; readonly functionArn: string }
  | { readonly kind: "start-execution"; readonly integration: "optimized" | "sdk" };

export interface StartRequest {
  readonly stateMachineArn: string;
  readonly name?: string | undefined;
  readonly input: Json;
}

/** What Task states reach: the functions and machines of a stack, or a simulation's stand-ins. */
export interface TaskServices {
  /**
   * Invokes a function by name or ARN and resolves to its payload. Rejects with a StatesError under the function's own
   * error name, or a `Lambda.…` name when the invocation itself failed.
   */
  invokeFunction(functionName: string, payload: Json, signal: AbortSignal): Promise<Json>;
  /** Starts an execution. Rejects with a StatesError named as the API's error, for example `ExecutionAlreadyExists`. */
  startExecution(
    request: StartRequest,
  ): Promise<{ readonly executionArn: string; readonly startDate: string }>;
}

const INTEGRATIONS: ReadonlyMap<string, TaskResource> = new Map<string, TaskResource>([
  ["lambda:invoke", { kind: "lambda-invoke" }],
  ["states:startExecution", { kind: "start-execution", integration: "optimized" }],
  ["aws-sdk:sfn:startExecution", { kind: "start-execution", integration: "sdk" }],
]);

/** Throws for a resource that cannot be called here. */
export function parseResource(resource: string): TaskResource {
  if (/^arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?$/.test(resource)) {
    return { kind: "lambda-function", functionArn: resource };
  }
  const integration = /^arn:[\w-]+:states:::(.+)$/.exec(resource)?.[1];
  const known = integration === undefined ? undefined : INTEGRATIONS.get(integration);
  if (known === undefined) throw new Error(`a Task state cannot call ${resource} here`);
  return known;
}

const invokeArguments = z.strictObject({
  FunctionName: z.string(),
  Payload: z.json().default({}),
  InvocationType: z.literal("RequestResponse").optional(),
});
const startArguments = z.strictObject({
  StateMachineArn: z.string(),
  Name: z.string().optional(),
  Input: z.json().default({}),
});

/** Calls the resource with the state's evaluated Arguments and resolves to what `$states.result` shows. */
export async function callResource(
  resource: TaskResource,
  args: Json,
  services: TaskServices,
  signal: AbortSignal,
): Promise<Json> {
  switch (resource.kind) {
    case "lambda-function":
      return services.invokeFunction(resource.functionArn, args, signal);
    case "lambda-invoke": {
      const { FunctionName, Payload } = parseArguments(invokeArguments, args);
      const payload = await services.invokeFunction(FunctionName, Payload, signal);
      return { ExecutedVersion: "$LATEST", Payload: payload, StatusCode: 200 };
    }
    case "start-execution":
    default: {
      const { StateMachineArn, Name, Input } = parseArguments(startArguments, args);
      const input = resource.integration === "sdk" ? parseInput(Input) : Input;
      const started = services.startExecution({ stateMachineArn: StateMachineArn, name: Name, input });
      return started.then(
        ({ executionArn, startDate }) => ({ ExecutionArn: executionArn, StartDate: startDate }),
        (error: unknown) => Promise.reject(startError(error, resource.integration)),
      );
    }
  }
}

function parseArguments<T extends z.ZodType>(schema: T, args: Json): z.infer<T> {
  const parsed = schema.safeParse(args);
  if (parsed.success) return parsed.data;
  throw new StatesError(
    "States.Runtime",
    `the Arguments do not fit the resource: ${z.prettifyError(parsed.error)}`,
  );
}

/** The SDK integration takes the input as JSON text, the optimized one as a value. */
function parseInput(input: Json): Json {
  if (typeof input !== "string") throw new StatesError("States.Runtime", "Input must be a string of JSON");
  return z.json().parse(JSON.parse(input));
}

/** The integrations put the service's name before the API's error names, each in its own way. */
function startError(error: unknown, integration: "optimized" | "sdk"): unknown {
  if (!(error instanceof StatesError) || error.error.includes(".")) return error;
  const prefix = integration === "sdk" ? "Sfn" : "StepFunctions";
  return new StatesError(`${prefix}.${error.error}Exception`, String(error.cause));
}
