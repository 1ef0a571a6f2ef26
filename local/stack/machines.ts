import { z } from "zod";
import type { LambdaHost } from "../lambda/lambda-host.ts";
import type { Clock } from "../step-functions/clock.ts";
import type { Execution } from "../step-functions/execution.ts";
import type { Json } from "../step-functions/json.ts";
import { StartRefusedError, StateMachine } from "../step-functions/state-machine.ts";
import { StatesError } from "../step-functions/states-error.ts";
import type { StartRequest, TaskServices } from "../step-functions/task-resource.ts";
import { BUILT_TYPES } from "./resource-types.ts";
import type { Roles } from "./roles.ts";
import type { NamedResource, StackResources } from "./stack-resources.ts";

const machineSchema = z
  .object({
    DefinitionString: z.string().optional(),
    Definition: z.unknown().optional(),
    RoleArn: z.string(),
    StateMachineType: z.literal("STANDARD", { error: "only Standard state machines run here" }).optional(),
    DefinitionSubstitutions: z
      .undefined({ error: "DefinitionSubstitutions are not resolved here" })
      .optional(),
  })
  .transform(({ DefinitionString, Definition, RoleArn }) => ({
    definition: DefinitionString ?? Definition,
    roleArn: RoleArn,
  }));

export interface MachineOptions {
  readonly clock: Clock;
  readonly speed: number;
  readonly random: () => number;
}

/** The state machines of a stack, by ARN and by name. */
export class Machines {
  readonly #byArn = new Map<string, StateMachine>();
  readonly #host: LambdaHost;
  readonly #resources: StackResources;

  /** Loads all of them. Throws when one has a definition that cannot run here. */
  constructor(resources: StackResources, roles: Roles, host: LambdaHost, options: MachineOptions) {
    this.#host = host;
    this.#resources = resources;
    for (const resource of resources.ofType(BUILT_TYPES.stateMachine)) {
      this.#byArn.set(resource.arn, this.#load(resource, roles, options));
    }
  }

  get all(): readonly StateMachine[] {
    return [...this.#byArn.values()];
  }

  get runningCount(): number {
    return this.all.reduce((sum, { runningCount }) => sum + runningCount, 0);
  }

  find(arn: string): StateMachine | undefined {
    return this.#byArn.get(arn);
  }

  findExecution(arn: string): Execution | undefined {
    const machineArn = arn.slice(0, arn.lastIndexOf(":")).replace(":execution:", ":stateMachine:");
    return this.find(machineArn)?.executions.find((execution) => execution.arn === arn);
  }

  /** Starts an execution. Throws a StatesError named as the API's error. */
  start(request: StartRequest): Execution {
    const machine = this.find(request.stateMachineArn);
    if (machine === undefined) {
      throw new StatesError(
        "StateMachineDoesNotExist",
        `State Machine Does Not Exist: '${request.stateMachineArn}'`,
      );
    }
    try {
      return machine.startExecution(request);
    } catch (error) {
      throw error instanceof StartRefusedError ? new StatesError(error.name, error.message) : error;
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((machine) => machine.stop()));
  }

  #load(resource: NamedResource, roles: Roles, options: MachineOptions): StateMachine {
    const { definition, roleArn } = machineSchema.parse(this.#resources.resolve(resource.properties));
    try {
      const services = this.#services(roleArn, roles);
      return StateMachine.load(definition, { ...options, arn: resource.arn, roleArn, services });
    } catch (cause) {
      throw new Error(`${resource.logicalId}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
  }

  /** What Task states reach, as far as the machine's role lets them. */
  #services(roleArn: string, roles: Roles): TaskServices {
    const permissions = roles.permissions(roleArn);
    const demand = (action: string, resource: string): void => {
      if (permissions.decide({ action, resource, context: {} }) === "allowed") return;
      throw new StatesError(
        "States.Permissions",
        `${roleArn} is not authorized to perform: ${action} on ${resource}`,
      );
    };
    return {
      invokeFunction: async (functionName, payload) => {
        const { arn } = this.#resources.find(BUILT_TYPES.function, unqualified(functionName));
        demand("lambda:InvokeFunction", arn);
        return this.#invoke(arn, payload);
      },
      startExecution: async (request) => {
        demand("states:StartExecution", request.stateMachineArn);
        const { arn, startedAt } = this.start(request);
        return { executionArn: arn, startDate: new Date(startedAt).toISOString() };
      },
    };
  }

  /** A function's error goes by its own name, with all that the function reported as the cause, as in AWS. */
  async #invoke(arn: string, payload: Json): Promise<Json> {
    const result = await this.#host.invoke(arn, JSON.stringify(payload));
    if (result.kind === "failed") throw new StatesError(result.error.errorType, JSON.stringify(result.error));
    return z.json().parse(JSON.parse(result.payload));
  }
}

/** A function's ARN without its version or alias. */
function unqualified(functionName: string): string {
  return functionName.replace(/(:function:[^:]+):.+$/, "$1");
}
