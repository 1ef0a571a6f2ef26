import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { putTenants } from "../../cli/put-tenants.ts";
import { DEFAULT_ESCALATION_SECONDS } from "../../lambdas/domain/escalation-pace.ts";
import { DEFAULT_TIER_DUE_SECONDS } from "../../lambdas/domain/limits.ts";
import type { TenantPolicy } from "../../lambdas/domain/tenant-policy.ts";
import { TIERS } from "../../lambdas/domain/vocabulary.ts";
import type { Workload } from "../../lambdas/domain/workloads.ts";
import { type LocalAws, startLocalAws } from "../aws/local-aws.ts";
import type { Meter } from "../aws/meter.ts";
import {
  type ProviderSimulatorThread,
  startProviderSimulatorThread,
} from "../provider-simulator/start-provider-simulator-thread.ts";
import type { MailHandler } from "../aws/ses-service.ts";
import type { ProviderSimulatorOptions } from "../provider-simulator/simulator-options.ts";
import { shiftDate } from "../lambda/time-offset.ts";
import { LapseClock } from "../stack/lapse-clock.ts";
import { type LocalStack, type StackOptions, startStack } from "../stack/local-stack.ts";
import { operatorClients } from "./operator-clients.ts";
import { type ProviderTargets, providerTargets } from "./provider-targets.ts";
import { synthesize } from "./synthesize.ts";
import { takeWorkFolder } from "./work-folder.ts";

export const STACK_NAME = "Offpeak";

export type LocalGatewayOptions = {
  /** Divides schedule periods, Wait seconds and the tiers' default due times. */
  readonly speed: number;
  readonly tenants: readonly TenantPolicy[];
  /** The workloads that the stage has; each is on for the tenants whose policies say so. */
  readonly workloads?: readonly Workload[];
  /** Gets the synthesized app and the functions' logs; emptied first. */
  readonly workFolder: string;
  /** The port of the AWS endpoint; 0 takes a free one. */
  readonly port?: number;
  /** Counts what the gateway's requests to AWS would be billed by. */
  readonly meter?: Meter;
  readonly simulator?: Omit<ProviderSimulatorOptions, "clock" | "speed">;
  /** Where providers are reached: `OPENAI_BASE_URL` and the like; what is missing is simulated. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  /** Puts the cloud assembly for some stage settings into a folder; by default the app is synthesized. */
  readonly assemble?: typeof synthesize;
  /**
   * Skips the time in which no function runs. `speed` is then best 1: with every figure as it is in AWS, hours of
   * periods, leases and visibility time-outs take seconds. `Date` of this thread, where the emulators are, tells the
   * stack's time until `stop`.
   */
  readonly timeLapse?: boolean;
  readonly stack?: Pick<StackOptions, "maxConcurrency" | "onInvocation" | "onLine" | "random">;
};

/** The whole of Offpeak on this machine. */
export type LocalGateway = {
  readonly aws: LocalAws;
  readonly stack: LocalStack;
  /** Undefined when both providers are reached elsewhere. */
  readonly simulator: ProviderSimulatorThread | undefined;
  readonly providers: ProviderTargets;
  /** The design's stack outputs, with the endpoint, the region and each tenant's results queue. */
  readonly outputs: Readonly<Record<string, string>>;
  stop(): Promise<void>;
};

/** Synthesizes the app and runs it against emulated AWS services and simulated (or given) providers. */
export async function startLocalGateway(options: LocalGatewayOptions): Promise<LocalGateway> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).toReversed()) await end();
  };
  try {
    const taken = await takeWorkFolder(options.workFolder);
    stops.push(() => taken.release());
    const { speed, environment } = options;
    const clock = options.timeLapse === true ? lapse(stops) : undefined;
    const timeOffset = clock?.offset.buffer;
    const simulator = needsSimulator(environment)
      ? await startProviderSimulatorThread({ ...options.simulator, speed, timeOffset })
      : undefined;
    if (simulator) stops.push(() => simulator.close());
    const providers = providerTargets(environment, simulator);
    const assembly = path.join(options.workFolder, "cdk.out");
    options.log("synthesizing the stack");
    await (options.assemble ?? synthesize)(assembly, localSettings(options, providers));
    options.log("starting the stack");
    const { port, meter } = options;
    const aws = await startLocalAws({ ...(port !== undefined && { port }), ...(meter && { meter }) });
    stops.push(() => aws.close());
    aws.onMail(keepMail(mailFolder(options.workFolder)));
    const { workFolder, log } = options;
    const secrets = { OpenAiApiKey: providers.openai.apiKey, AnthropicApiKey: providers.anthropic.apiKey };
    const stack = await startStack({
      ...options.stack,
      assembly,
      stackName: STACK_NAME,
      aws,
      speed,
      workFolder,
      secrets,
      log,
      ...(clock && { clock }),
    });
    stops.push(() => stack.stop());
    const queues = await addTenants(options.tenants, aws, stack);
    clock?.start(() => stack.functions.activeCount === 0);
    const outputs = { ...stack.outputs, Endpoint: aws.endpoint, Region: aws.region, ...queues };
    return { aws, stack, simulator, providers, outputs, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Where e-mails end that the stack's operator sends. */
export function mailFolder(workFolder: string): string {
  return path.join(workFolder, "mail");
}

function keepMail(folder: string): MailHandler {
  return async ({ messageId, eml }) => {
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, `${messageId}.eml`), eml);
  };
}

/** A clock in time lapse that this thread's `Date` follows until the gateway stops. */
function lapse(stops: (() => Promise<unknown>)[]): LapseClock {
  const clock = new LapseClock();
  const restoreDate = shiftDate(clock.offset);
  stops.push(async () => {
    clock.stop();
    restoreDate();
  });
  return clock;
}

function needsSimulator(environment: LocalGatewayOptions["environment"]): boolean {
  return environment["OPENAI_BASE_URL"] === undefined || environment["ANTHROPIC_BASE_URL"] === undefined;
}

/** The stage of this machine: due times run at the same speed as everything else, and no group waits for company. */
function localSettings(
  { speed, workloads = [] }: Pick<LocalGatewayOptions, "speed" | "workloads">,
  providers: ProviderTargets,
): Record<string, unknown> {
  return {
    stackName: STACK_NAME,
    removalPolicy: "destroy",
    workloads: {
      ...Object.fromEntries(workloads.map((workload) => [workload, true])),
      // This machine has a stand-in for S3 Vectors: apps can try both ways of searching.
      s3Vectors: workloads.includes("reIndex"),
    },
    minBatchJobs: 1,
    waitFactor: 1 / speed,
    lanes: { timeFactor: 1 / speed },
    tierDueSeconds: Object.fromEntries(TIERS.map((tier) => [tier, DEFAULT_TIER_DUE_SECONDS[tier] / speed])),
    // A call takes as long as it takes at any speed: with shorter due times all of them would be doubled.
    ...(speed > 1 && { direct: { hedgeShare: 0 } }),
    // How many jobs a second this machine begins does not depend on the speed.
    escalation: {
      marginSeconds: DEFAULT_ESCALATION_SECONDS.marginSeconds / speed,
      flexSeconds: DEFAULT_ESCALATION_SECONDS.flexSeconds / speed,
      syncSeconds: DEFAULT_ESCALATION_SECONDS.syncSeconds / speed,
      stopSeconds: DEFAULT_ESCALATION_SECONDS.stopSeconds / speed,
    },
    providers: {
      openai: { baseUrl: providers.openai.baseUrl },
      anthropic: { baseUrl: providers.anthropic.baseUrl },
    },
  };
}

/** Stores the tenants as the operator's tool does; returns the output of each one's results queue. */
async function addTenants(
  policies: readonly TenantPolicy[],
  aws: LocalAws,
  stack: LocalStack,
): Promise<Record<string, string>> {
  const { tenants, sqs, destroy } = operatorClients(aws, stack.outputs);
  try {
    const stored = await putTenants(policies, { tenants, sqs, stackName: STACK_NAME });
    return Object.fromEntries(
      stored.map(({ policy }) => [
        `ResultsQueueUrl${pascalCase(policy.tenantId)}`,
        policy.delivery.queueUrl ?? "",
      ]),
    );
  } finally {
    destroy();
  }
}

/** `north-clinic` → `NorthClinic`. */
export function pascalCase(tenantId: string): string {
  return tenantId
    .split("-")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}
