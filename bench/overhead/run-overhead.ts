import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queueUrlsFromOutputs } from "../../client/queue-urls.ts";
import { tenantsFileSchema } from "../../lambdas/domain/tenant-policy.ts";
import { resultQueues } from "../../local/demo/send-jobs.ts";
import { type LocalGateway, startLocalGateway } from "../../local/gateway/local-gateway.ts";
import { synthesize } from "../../local/gateway/synthesize.ts";
import { poissonArrivals } from "./arrivals.ts";
import { admittedJobs, admittedPerSecond, InvocationLog } from "./invocation-log.ts";
import { TENANT_IDS } from "./jobs.ts";
import { measureUse } from "./machine-use.ts";
import { type Planned, reportOf, type RunReport } from "./run-report.ts";
import { Traffic } from "./traffic.ts";

export type OverheadOptions = {
  readonly seconds: number;
  readonly idleSeconds: number;
  /**
   * Before both runs, under the same load and with a burst that starts every worker. A worker's first call is its cold start,
   * and its first few hundred jobs run uncompiled: V8 compiles what runs often, in each thread anew. Deployed workers live for
   * hours; neither is what is measured.
   */
  readonly warmUpSeconds: number;
  /**
   * Most workers of a function. A deployed stack has as many as its account allows; the local one stops at four, where jobs that
   * wait for the provider would mostly wait for each other.
   */
  readonly workers: number;
  /** For which low jobs are gathered before they are admitted; the stage's own default when left out. */
  readonly gatheringSeconds?: number;
  readonly criticalPerSecond: number;
  readonly lowPerSecond: number;
  readonly seed: string;
};

type LowReport = {
  readonly sent: number;
  readonly admitted: number;
  readonly lost: number;
  /** While critical jobs were being sent. */
  readonly admittedPerSecond: number;
};

export type OverheadReport = {
  readonly options: OverheadOptions;
  readonly providerMs: number;
  readonly idle: RunReport;
  readonly loaded: RunReport;
  readonly low: LowReport;
};

/** What the simulated provider takes for a call. */
const PROVIDER_MS = 200;

/** Answers that do not come for so long are lost. */
const PATIENCE_MS = 30_000;

/** Milliseconds between two lines of progress. */
const PROGRESS_MS = 5_000;

/**
 * Low jobs that are admitted at once: about a second's. A thousand at once, the stage's default, would come in bursts, and on
 * Lambda nothing else runs on the processor of the function that takes them.
 */
const LOW_AT_ONCE = 200;

/** The most messages that a worker of the direct lane takes at once. */
const MESSAGES_PER_WORKER = 5;

export type Ports = {
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
  /** Puts the stack's assembly into a folder; by default the app is synthesized. */
  readonly assemble?: typeof synthesize;
};

/** Runs the stack with its handlers in their threads, and measures it idle and under load. Rejects when `signal` is given. */
export async function runOverhead(options: OverheadOptions, ports: Ports): Promise<OverheadReport> {
  const folder = await mkdtemp(join(tmpdir(), "offpeak-overhead-"));
  const log = new InvocationLog();
  let gateway: LocalGateway | undefined;
  let traffic: Traffic | undefined;
  const progress = setInterval(() => {
    if (!gateway || !traffic) return;
    ports.tell(
      `${traffic.answers.size} critical jobs answered, ${admittedJobs(gateway.stack)} low jobs admitted`,
    );
  }, PROGRESS_MS);
  try {
    const started = await startLocalGateway({
      speed: 1,
      tenants: tenantsFileSchema.parse(TENANT_IDS.map((tenantId) => ({ tenantId }))),
      workFolder: join(folder, "run"),
      simulator: { directLatencyMs: PROVIDER_MS, seed: options.seed },
      environment: {},
      assemble: (place, settings) =>
        (ports.assemble ?? synthesize)(place, { ...settings, ...stageOf(options) }),
      stack: {
        maxConcurrency: options.workers,
        onInvocation: (name, result, event) => gateway && log.see(gateway.stack, name, result, event),
      },
      log: ports.tell,
    });
    gateway = started;
    traffic = new Traffic({
      endpoint: started.aws.endpoint,
      region: started.aws.region,
      queueUrls: queueUrlsFromOutputs(started.outputs),
      resultQueues: [...resultQueues(started.outputs, TENANT_IDS).values()],
      lowPerSecond: options.lowPerSecond,
    });
    const signal = AbortSignal.any([ports.signal, traffic.broken]);
    return await measure(options, { gateway: started, traffic, log, signal, tell: ports.tell });
  } finally {
    clearInterval(progress);
    await traffic?.close();
    await gateway?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the stage is told beside the settings of this machine. */
function stageOf({ workers, gatheringSeconds }: OverheadOptions): Record<string, unknown> {
  const admission = { batchSize: LOW_AT_ONCE, batchingWindowSeconds: gatheringSeconds };
  return { direct: { maxConcurrency: workers }, admission };
}

type Measuring = Ports & {
  readonly gateway: LocalGateway;
  readonly traffic: Traffic;
  readonly log: InvocationLog;
};

async function measure(options: OverheadOptions, parts: Measuring): Promise<OverheadReport> {
  const { gateway, traffic, log, signal, tell } = parts;
  const { criticalPerSecond: perSecond, seconds, idleSeconds, warmUpSeconds, workers } = options;
  tell(`warming up for ${warmUpSeconds} s, half of it beside low jobs`);
  const burst = workers * MESSAGES_PER_WORKER;
  const warming = { perSecond, seconds: warmUpSeconds / 2 };
  await runCritical({ name: "warm-up", burst, ...warming }, options.seed, parts);
  const admitting = once(log.events, "admitted", { signal });
  traffic.startLow();
  await runCritical({ name: "warm-up beside low", ...warming }, options.seed, parts);
  await admitting;
  tell(`loaded: ${perSecond} critical jobs/s for ${seconds} s beside ${options.lowPerSecond} low jobs/s`);
  const from = Date.now();
  const loaded = await runCritical({ name: "loaded", perSecond, seconds }, options.seed, parts);
  const rate = admittedPerSecond(log.admissions, from, from + seconds * 1000);
  const { taken } = await traffic.stopLow(signal);
  tell("waiting for the last low jobs to be admitted");
  await gateway.stack.quiesce({ signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) });
  const admitted = admittedJobs(gateway.stack);
  const low = { sent: taken, admitted, lost: taken - admitted, admittedPerSecond: rate };
  tell(`idle: ${perSecond} critical jobs/s for ${idleSeconds} s, and nothing else`);
  const idle = await runCritical({ name: "idle", perSecond, seconds: idleSeconds }, options.seed, parts);
  return { options, providerMs: PROVIDER_MS, idle, loaded, low };
}

type CriticalRun = Planned & { readonly burst?: number };

async function runCritical(
  { burst = 0, ...planned }: CriticalRun,
  seed: string,
  { traffic, log, signal }: Measuring,
): Promise<RunReport> {
  const { name, perSecond, seconds } = planned;
  const atOnce = Array.from({ length: burst }, () => 0);
  const steady = poissonArrivals(Math.round(perSecond * seconds), seconds, `${seed} ${name}`);
  const used = measureUse();
  const jobs = await traffic.sendCritical(name, [...atOnce, ...steady], signal);
  await traffic.waitForAnswers(
    jobs.map(({ key }) => key),
    PATIENCE_MS,
    signal,
  );
  return reportOf(planned, jobs, { answers: traffic.answers, log, providerMs: PROVIDER_MS, use: used() });
}
