import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { sendAnswer } from "./answer.ts";
import { AwsError, ERROR_STYLES } from "./aws-error.ts";
import { access, parseRequest, readJsonRequest, unmapped } from "./service.ts";
import type { Call, JsonInput, Service } from "./service.ts";

/**
 * Answers a Step Functions API operation, such as `StartExecution`, with what it returns; Dates become epoch seconds.
 * Throws AwsError to answer an error under its name.
 */
export type StatesHandler = (action: string, input: unknown) => Promise<unknown>;

// API operation → the input field that names the resource its permission is on; null where AWS has no resource.
const RESOURCES: Readonly<Record<string, string | null>> = {
  DescribeExecution: "executionArn",
  DescribeStateMachine: "stateMachineArn",
  GetExecutionHistory: "executionArn",
  ListExecutions: "stateMachineArn",
  ListStateMachines: null,
  RedriveExecution: "executionArn",
  StartExecution: "stateMachineArn",
  StartSyncExecution: "stateMachineArn",
  StopExecution: "executionArn",
};

/** Step Functions: the permission check, and the protocol around a handler. */
export class StatesService implements Service {
  readonly errors = ERROR_STYLES.states;
  #handler: StatesHandler | null = null;

  onStates(handler: StatesHandler): void {
    this.#handler = handler;
  }

  async read(request: IncomingMessage): Promise<Call> {
    const { operation, input } = await readJsonRequest(request);
    return {
      operation: `states:${operation}`,
      accesses: [access(`states:${operation}`, resourceOf(operation, input))],
      run: async (response) => {
        if (this.#handler === null)
          throw new AwsError("UnsupportedOperation", "no state machine runs on this endpoint");
        const output = await this.#handler(operation, input);
        sendAnswer(response, {
          status: 200,
          headers: { "content-type": "application/x-amz-json-1.0" },
          body: JSON.stringify(withEpochSeconds(output ?? {})),
        });
      },
    };
  }
}

function resourceOf(operation: string, input: JsonInput): string {
  const field = RESOURCES[operation];
  if (field === undefined) throw unmapped(`states:${operation}`);
  if (field === null) return "*";
  return parseRequest(z.object({ [field]: z.string() }), input)[field] ?? "*";
}

function withEpochSeconds(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(withEpochSeconds);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, withEpochSeconds(field)]));
}
