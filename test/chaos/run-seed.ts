import { setTimeout as sleep } from "node:timers/promises";
import { tenantsFileSchema } from "../../lambdas/domain/tenant-policy.ts";
import { GATEWAY_FUNCTION_IDS, type GatewayFunctionId } from "../../lib/function-limits.ts";
import { type Figures, readFigures } from "../../local/demo/figures.ts";
import { type DemoReport, findFaults } from "../../local/demo/report.ts";
import { ResultReader, sentKey } from "../../local/demo/result-reader.ts";
import { resultQueues, sendJobs } from "../../local/demo/send-jobs.ts";
import { DEMO_TENANTS } from "../../local/demo/tenants.ts";
import { type LocalGateway, startLocalGateway } from "../../local/gateway/local-gateway.ts";
import { operatorClients } from "../../local/gateway/operator-clients.ts";
import type { Fault } from "../../local/provider-simulator/faults.ts";
import { createRandom } from "../../local/provider-simulator/seeded-random.ts";
import { assembleShared } from "../shared-assembly.ts";
import { chaosJobs } from "./chaos-jobs.ts";
import { endFaults } from "./check-ends.ts";
import { moneyFaults } from "./check-money.ts";
import { Killer } from "./killer.ts";
import { reconcileFaults } from "./reconcile.ts";

const TENANT_IDS = DEMO_TENANTS.map(({ tenantId }) => tenantId);
/** Of the stack's time, which flies while nothing runs: longer than any chain of leases and time-outs. */
const PATIENCE_MS = 6 * 3_600_000;
const LOOK_EVERY_MS = 100;
/** Of the machine's time. */
const REST_MS = 60_000;
/** Lines fail at the provider as well, so that workers also die while jobs are requeued, dead-lettered and retried. */
const FAULTS: readonly Fault[] = [
  { kind: "line-error", status: 500, fraction: 0.5, provider: "anthropic", times: 3 },
  { kind: "line-error", status: 503, fraction: 0.3, provider: "openai", times: 3 },
];

export type ChaosRun = {
  readonly report: DemoReport;
  /** What did not hold, in words. */
  readonly faults: readonly string[];
  readonly kills: ReadonlyMap<GatewayFunctionId, number>;
  readonly story: readonly string[];
  /** Calls of which the ledger knows only that they may have been billed. */
  readonly unconfirmed: number;
};

/** A small demo during which workers are killed: which, and when, is drawn from the seed. */
export async function runSeed(seed: number, workFolder: string): Promise<ChaosRun> {
  const random = createRandom(`chaos ${seed}`);
  let gateway: LocalGateway | undefined;
  const killer = new Killer({
    random,
    chance: 0.5,
    most: 2,
    kill: async (name) => (await gateway?.stack.functions.kill(name)) ?? false,
  });
  gateway = await startLocalGateway({
    workFolder,
    assemble: assembleShared,
    speed: 1,
    timeLapse: true,
    tenants: tenantsFileSchema.parse(TENANT_IDS.map((tenantId) => ({ tenantId }))),
    // Time does not fly while a function waits for a call.
    simulator: {
      batchSeconds: 240,
      directLatencyMs: 400,
      flexSeconds: [0.4, 2],
      flexRefusedShare: 0,
      seed: `chaos ${seed}`,
    },
    stack: {
      random,
      maxConcurrency: 2,
      onInvocation: (name, result) => killer.watch(name, result),
    },
    environment: {},
    log: () => undefined,
  });
  try {
    for (const fault of FAULTS) await gateway.simulator!.faults.add(fault);
    return await runJobs(gateway, killer, await chaosJobs(random));
  } finally {
    await killer.stop();
    await gateway.stop();
  }
}

async function runJobs(
  gateway: LocalGateway,
  killer: Killer,
  { jobs, repeats }: Awaited<ReturnType<typeof chaosJobs>>,
): Promise<ChaosRun> {
  const began = performance.now();
  const { sqs, destroy, ...stores } = operatorClients(gateway.aws, gateway.outputs);
  const reader = new ResultReader(sqs, resultQueues(gateway.outputs, TENANT_IDS));
  const reading = reader.run();
  try {
    const sent = new Set(jobs.map(sentKey));
    const signal = new AbortController().signal;
    for (const messages of [jobs, repeats]) await sendJobs(messages, gateway.outputs, sqs, signal);
    const rested = await comeToRest(sent, reader, gateway);
    const differences = await reconcileFaults(gateway);
    await killer.stop();
    const figures = await readFigures(gateway, stores, TENANT_IDS);
    const submitted = jobs.length + repeats.length;
    const seconds = (performance.now() - began) / 1000;
    const report = figures.report({ sent, submitted, reader, seconds });
    return {
      report,
      faults: [
        ...(rested ? [] : ["the gateway does not come to rest"]),
        ...(await reportFaults(report, figures, reader, gateway)),
        ...(await endFaults(sent, reader, gateway)),
        ...differences,
      ],
      kills: killsOf(killer, gateway),
      story: killer.story,
      unconfirmed: figures.entries.filter(({ kind }) => kind === "unconfirmed").length,
    };
  } finally {
    reader.stop();
    await reading;
    destroy();
  }
}

/**
 * The demo's own verdict, but for its two totals: they differ by the calls whose workers died, and those are looked for
 * one by one.
 */
async function reportFaults(
  report: DemoReport,
  { entries, denials }: Figures,
  { strays }: ResultReader,
  { simulator }: LocalGateway,
): Promise<string[]> {
  const { lines, totalPicoUsd } = await simulator!.invoice();
  const settled = { ...report, ledger: { ...report.ledger, totalPicoUsd } };
  return [...findFaults(settled, strays.length, denials), ...moneyFaults(entries, lines)];
}

/**
 * Until every job has a result and nothing is left to do; or for so long that what is missing is lost. False when the
 * gateway does not come to rest.
 */
async function comeToRest(
  sent: ReadonlySet<string>,
  reader: ResultReader,
  gateway: LocalGateway,
): Promise<boolean> {
  const until = Date.now() + PATIENCE_MS;
  while ([...sent].some((key) => !reader.first.has(key)) && Date.now() < until) await sleep(LOOK_EVERY_MS);
  const signal = AbortSignal.timeout(REST_MS);
  return gateway.stack.quiesce({ signal }).then(
    () => true,
    () => false,
  );
}

function killsOf(killer: Killer, gateway: LocalGateway): ReadonlyMap<GatewayFunctionId, number> {
  const counts = GATEWAY_FUNCTION_IDS.map(
    (id) => [id, killer.kills.get(gateway.stack.functionName(id)) ?? 0] as const,
  );
  return new Map(counts.filter(([, count]) => count > 0));
}
