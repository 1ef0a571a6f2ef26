import { randomUUID } from "node:crypto";
import path from "node:path";
import { SQSClient } from "@aws-sdk/client-sqs";
import { z } from "zod";
import type { LocalAws } from "../aws/local-aws.ts";
import type { InvocationResult } from "../lambda/function-error.ts";
import { LambdaHost, type LambdaHostOptions } from "../lambda/lambda-host.ts";
import { type Clock, wallClock } from "../step-functions/clock.ts";
import type { StateMachine } from "../step-functions/state-machine.ts";
import { bucketNotifications } from "./bucket-notifications.ts";
import { addFunctions, constructId, type EnvironmentOverrides } from "./functions.ts";
import type { LapseClock } from "./lapse-clock.ts";
import { Machines } from "./machines.ts";
import { quiescent } from "./quiescence.ts";
import { placeOf } from "./resource-names.ts";
import { BUILT_TYPES } from "./resource-types.ts";
import { Roles } from "./roles.ts";
import { StackResources } from "./stack-resources.ts";
import { statesApi } from "./states-api.ts";
import { createStorage, OWNER } from "./storage.ts";
import { readTemplate } from "./template.ts";
import { createTriggers, scheduledFunctions, type Trigger } from "./triggers.ts";

export interface StackOptions {
  /** The cloud assembly: the folder that `cdk synth` writes. */
  readonly assembly: string;
  readonly stackName: string;
  readonly aws: LocalAws;
  /** Divides schedule periods, Wait seconds, retry delays and batching windows; 1 by default. */
  readonly speed?: number;
  /** Gets `logs/<function>.log`. */
  readonly workFolder: string;
  readonly environment?: EnvironmentOverrides;
  /** Initial secret values, by construct id or name; the others get a random one, as with GenerateSecretString. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** The most invocations of one function at the same time; 4 by default. */
  readonly maxConcurrency?: number;
  /** Replaces the visibility timeout of every queue, so that tests see redeliveries soon. */
  readonly visibilityTimeoutSeconds?: number;
  /** Numbers in [0, 1), for what happens by chance; Math.random by default. */
  readonly random?: () => number;
  /** What the runner has to say: failed polls, failed schedule targets. */
  readonly log?: (line: string) => void;
  /** Each line that a function prints. */
  readonly onLine?: (functionName: string, line: string) => void;
  /** Called when a function's thread takes up an event. */
  readonly onInvocation?: LambdaHostOptions["onInvocation"];
  /** A clock for the machines, schedules, windows and handlers, in place of the machine's own. */
  readonly clock?: LapseClock;
}

/** A stack that runs on this machine. */
export interface LocalStack {
  /** The template's outputs. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly functions: LambdaHost;
  readonly stateMachines: readonly StateMachine[];
  /** A function's physical name, by its construct id, logical id or physical name. Throws when there is none. */
  functionName(id: string): string;
  /** Invokes a function, named as for `functionName`, with an event that JSON can represent. */
  invoke(id: string, event: unknown): Promise<InvocationResult>;
  /** A state machine by construct id, logical id or name. Throws when there is none. */
  stateMachine(id: string): StateMachine;
  metrics(): ReadonlyMap<string, number>;
  peakBytes(): ReadonlyMap<string, number>;
  /**
   * Resolves when no message of these queues (URLs; by default all of the stack's that have a consumer) is left, and
   * nothing runs. Rejects with the signal's reason when it aborts first.
   */
  quiesce(options?: { readonly queueUrls?: readonly string[]; readonly signal?: AbortSignal }): Promise<void>;
  /** Aborts what runs and ends all loops and threads; the local AWS stays. */
  stop(): Promise<void>;
}

/** Makes the resources of a synthesized stack in the local AWS and runs it. Throws for what it cannot run. */
export async function startStack(options: StackOptions): Promise<LocalStack> {
  const { aws, speed = 1, random = Math.random, log = () => undefined } = options;
  const clock: Clock = options.clock ?? wallClock;
  const template = readTemplate(options.assembly, options.stackName);
  const place = placeOf(aws, options.stackName);
  const secretArns = new Map<string, string>();
  const resources: StackResources = new StackResources(template, place, {
    secretArn: (secret) => {
      const value = options.secrets?.[constructId(secret)] ?? options.secrets?.[secret.name] ?? randomUUID();
      const arn = secretArns.get(secret.name) ?? aws.secrets.put(secret.name, value);
      secretArns.set(secret.name, arn);
      return arn;
    },
    roleId: (role) => roles.of(role).roleId,
  });
  const roles: Roles = new Roles(aws, () => resources);

  const logFolder = path.join(options.workFolder, "logs");
  const host = new LambdaHost({
    logFolder,
    random,
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    ...(options.onInvocation === undefined ? {} : { onInvocation: options.onInvocation }),
    ...(options.clock === undefined ? {} : { timeOffset: options.clock.offset }),
  });
  try {
    const { environment = {}, maxConcurrency = 4 } = options;
    addFunctions(host, { resources, template, roles }, aws, { environment, maxConcurrency });
    const machines = new Machines(resources, roles, host, { clock, speed, random });
    const triggers = [
      ...createTriggers({ resources, roles, host, machines, aws, place, clock, speed, log }),
      bucketNotifications({ resources, aws, place, clock, log }),
    ];
    // Those that no function refers to are there for the operator.
    for (const { logicalId } of resources.ofType(BUILT_TYPES.secret)) resources.resolve({ Ref: logicalId });
    await createStorage(resources, aws, options.visibilityTimeoutSeconds);
    aws.onStates(statesApi(machines));
    for (const trigger of triggers) trigger.start();
    const outputs = z.record(z.string(), z.coerce.string()).parse(resources.resolve(template.outputs));
    return running({ options, resources, host, machines, triggers, outputs });
  } catch (error) {
    await host.stop();
    throw error;
  }
}

interface Parts {
  readonly options: StackOptions;
  readonly resources: StackResources;
  readonly host: LambdaHost;
  readonly machines: Machines;
  readonly triggers: readonly Trigger[];
  readonly outputs: Readonly<Record<string, string>>;
}

function running({ options, resources, host, machines, triggers, outputs }: Parts): LocalStack {
  const { endpoint, region } = options.aws;
  const sqs = new SQSClient({ endpoint, region, credentials: OWNER });
  const scheduled = scheduledFunctions(resources).map((name) => host.find(name));
  const activity = {
    active: () =>
      host.activeCount +
      machines.runningCount +
      triggers.reduce((sum, { activeCount }) => sum + activeCount, 0),
    // In time lapse a function that runs every minute would always have been begun: what it does shows on queues and machines.
    begun: () =>
      host.invocations -
      scheduled.reduce((sum, { invocations }) => sum + invocations, 0) +
      machines.all.reduce((sum, { executions }) => sum + executions.length, 0),
  };
  const named = (type: string, id: string): string => {
    const found = resources
      .ofType(type)
      .find((resource) => [constructId(resource), resource.logicalId, resource.name].includes(id));
    if (found === undefined) throw new Error(`the stack has no ${type} called ${id}`);
    return found.arn;
  };
  const functionName = (id: string): string => host.find(named(BUILT_TYPES.function, id)).name;
  return {
    outputs,
    functions: host,
    stateMachines: machines.all,
    functionName,
    invoke: (id, event) => host.invoke(functionName(id), JSON.stringify(event)),
    stateMachine: (id) => {
      const machine = machines.find(named(BUILT_TYPES.stateMachine, id));
      if (machine === undefined) throw new Error(`the state machine ${id} was not loaded`);
      return machine;
    },
    metrics: () => host.metrics(),
    peakBytes: () => host.peakBytes(),
    quiesce: ({ queueUrls, signal = new AbortController().signal } = {}) =>
      quiescent(activity, queueUrls ?? consumedQueues(resources), sqs, signal),
    stop: async () => {
      await Promise.all([...triggers.map((trigger) => trigger.stop()), machines.stop(), host.stop()]);
      sqs.destroy();
    },
  };
}

/** URLs of the queues that an event source mapping empties. */
function consumedQueues(resources: StackResources): string[] {
  return resources
    .ofType(BUILT_TYPES.eventSourceMapping)
    .map(({ properties }) => z.object({ EventSourceArn: z.string() }).parse(resources.resolve(properties)))
    .map(({ EventSourceArn }) => resources.find(BUILT_TYPES.queue, EventSourceArn))
    .map(({ logicalId }) => z.string().parse(resources.resolve({ Ref: logicalId })));
}
