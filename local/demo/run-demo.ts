import path from "node:path";
import { fileURLToPath } from "node:url";
import type { JobInput } from "../../client/submit-jobs.ts";
import { tenantsFileSchema } from "../../lambdas/domain/tenant-policy.ts";
import { type LocalGateway, startLocalGateway } from "../gateway/local-gateway.ts";
import { operatorClients } from "../gateway/operator-clients.ts";
import { readCalls } from "./calls.ts";
import { copyBucket } from "./bucket-copy.ts";
import { readFigures } from "./figures.ts";
import { jobsOfCalls, jobsOfQueries, repeatsOf } from "./jobs.ts";
import { printReport } from "./print-report.ts";
import { ProgressLine } from "./progress.ts";
import { type DemoReport, findFaults } from "./report.ts";
import { ResultReader, sentKey } from "./result-reader.ts";
import { resultQueues, sendJobs } from "./send-jobs.ts";
import { DEMO_TENANTS } from "./tenants.ts";
import { waitForResults } from "./wait-for-results.ts";

export type DemoOptions = {
  readonly calls: string;
  readonly queries?: string;
  readonly limit?: number;
  /** For re-indexing: a folder of documents, and what to look for in them. */
  readonly documents?: string;
  readonly query?: string;
  readonly speed: number;
};

/** Real seconds that each simulated batch takes: four minutes at the demo's usual speed. */
const BATCH_SECONDS = 4;
const TENANT_IDS = DEMO_TENANTS.map(({ tenantId }) => tenantId);
const WORK_FOLDER = fileURLToPath(new URL("../../.offpeak/demo", import.meta.url));

export type DemoOutcome = { readonly report: DemoReport; readonly faults: readonly string[] };

/** The whole demo: starts the gateway, sends the jobs, waits for every result, prints the tables, stops everything. */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<DemoOutcome> {
  const progress = new ProgressLine();
  const calls = await readCalls(options.calls, options.limit ?? Infinity);
  const queries = options.queries === undefined ? [] : await jobsOfQueries(options.queries);
  const jobs = [...jobsOfCalls(calls), ...queries];
  const gateway = await startLocalGateway({
    speed: options.speed,
    tenants: tenantsFileSchema.parse(
      DEMO_TENANTS.map(({ tenantId, isolation }) => ({ tenantId, isolation })),
    ),
    workFolder: WORK_FOLDER,
    simulator: { batchSeconds: BATCH_SECONDS, directLatencyMs: 300, seed: "demo" },
    // The demo's figures are compared with the simulator's invoice: it never calls a real provider.
    environment: {},
    log: (line) => progress.show(line),
  });
  try {
    signal.throwIfAborted();
    return await demonstrate(gateway, jobs, progress, signal);
  } finally {
    await gateway.stop();
  }
}

async function demonstrate(
  gateway: LocalGateway,
  jobs: readonly JobInput[],
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<DemoOutcome> {
  const { sqs, destroy, ...stores } = operatorClients(gateway.aws, gateway.outputs);
  const reader = new ResultReader(sqs, resultQueues(gateway.outputs, TENANT_IDS));
  const reading = reader.run();
  try {
    const sent = new Set(jobs.map(sentKey));
    const repeats = repeatsOf(jobs);
    const submitted = jobs.length + repeats.length;
    progress.show(`sending ${submitted} messages`);
    for (const messages of [jobs, repeats]) await sendJobs(messages, gateway.outputs, sqs, signal);
    await waitForResults(sent, reader, gateway, progress, signal);
    const figures = await readFigures(gateway, stores, TENANT_IDS);
    const report = figures.report({ sent, submitted, reader, seconds: progress.seconds });
    progress.end();
    const bucket = await copyBucket(stores.objects, path.join(WORK_FOLDER, "bucket"));
    printReport(report, figures, { bucket, logs: path.join(WORK_FOLDER, "logs") });
    return { report, faults: findFaults(report, reader.strays.length, figures.denials) };
  } finally {
    reader.stop();
    await reading;
    destroy();
  }
}
