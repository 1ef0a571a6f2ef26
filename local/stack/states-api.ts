import { z } from "zod";
import { AwsError } from "../aws/aws-error.ts";
import type { StatesHandler } from "../aws/local-aws.ts";
import type { Execution } from "../step-functions/execution.ts";
import type { StateMachine } from "../step-functions/state-machine.ts";
import { StatesError } from "../step-functions/states-error.ts";
import type { Machines } from "./machines.ts";

const start = z.object({
  stateMachineArn: z.string(),
  name: z.string().optional(),
  input: z.string().default("{}"),
});
const describe = z.object({ executionArn: z.string() });
const stop = z.object({
  executionArn: z.string(),
  error: z.string().optional(),
  cause: z.string().optional(),
});
const list = z.object({
  stateMachineArn: z.string(),
  statusFilter: z.string().optional(),
  maxResults: z.int().min(0).max(1000).default(100),
  nextToken: z.string().regex(/^\d+$/).optional(),
});

/** Step Functions' API for the machines of a stack: what the design's functions and operators call. */
export function statesApi(machines: Machines): StatesHandler {
  return async (action, input) => {
    switch (action) {
      case "StartExecution":
        return startExecution(machines, parse(start, input));
      case "DescribeExecution":
        return describeExecution(machines, parse(describe, input).executionArn);
      case "ListExecutions":
        return listExecutions(machines, parse(list, input));
      case "StopExecution":
        return stopExecution(machines, parse(stop, input));
      default:
        throw new AwsError("UnsupportedOperation", `${action} is not built here`);
    }
  };
}

function parse<T extends z.ZodType>(schema: T, input: unknown): z.infer<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new AwsError("ValidationException", z.prettifyError(parsed.error));
}

function startExecution(machines: Machines, request: z.infer<typeof start>): object {
  try {
    const { arn, startedAt } = machines.start({
      ...request,
      input: z.json().parse(parseInput(request.input)),
    });
    return { executionArn: arn, startDate: new Date(startedAt) };
  } catch (error) {
    throw error instanceof StatesError ? new AwsError(error.error, String(error.cause)) : error;
  }
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError("InvalidExecutionInput", "Invalid State Machine Execution Input: not JSON");
  }
}

function describeExecution(machines: Machines, arn: string): object {
  const execution = existing(machines, arn);
  const { ended } = execution;
  return {
    ...summary(execution),
    input: JSON.stringify(execution.input),
    ...(ended?.status === "SUCCEEDED" ? { output: JSON.stringify(ended.output) } : {}),
    ...(ended !== null && ended.status !== "SUCCEEDED" ? { error: ended.error, cause: ended.cause } : {}),
  };
}

/** The newest first, in pages. */
function listExecutions(machines: Machines, request: z.infer<typeof list>): object {
  const machine: StateMachine | undefined = machines.find(request.stateMachineArn);
  if (machine === undefined) throw new AwsError("StateMachineDoesNotExist", request.stateMachineArn);
  const matching = machine.executions
    .toReversed()
    .filter(({ status }) => request.statusFilter === undefined || status === request.statusFilter);
  const from = Number(request.nextToken ?? 0);
  const to = from + (request.maxResults === 0 ? 100 : request.maxResults);
  return {
    executions: matching.slice(from, to).map(summary),
    ...(to < matching.length ? { nextToken: String(to) } : {}),
  };
}

async function stopExecution(machines: Machines, request: z.infer<typeof stop>): Promise<object> {
  const execution = existing(machines, request.executionArn);
  execution.stop(request.error, request.cause);
  await execution.result;
  return { stopDate: new Date(execution.endedAt ?? 0) };
}

function existing(machines: Machines, arn: string): Execution {
  const execution = machines.findExecution(arn);
  if (execution === undefined)
    throw new AwsError("ExecutionDoesNotExist", `Execution Does Not Exist: '${arn}'`);
  return execution;
}

function summary(execution: Execution): object {
  const { arn, name, status, startedAt, endedAt } = execution;
  return {
    executionArn: arn,
    stateMachineArn: arn.slice(0, arn.lastIndexOf(":")).replace(":execution:", ":stateMachine:"),
    name,
    status,
    startDate: new Date(startedAt),
    ...(endedAt === null ? {} : { stopDate: new Date(endedAt) }),
  };
}
