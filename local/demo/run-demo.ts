import path from "node:path";
import { fileURLToPath } from "node:url";
import { type JobInput, submitJobs } from "../../client/submit-jobs.ts";
import { queueUrlsFromOutputs } from "../../client/queue-urls.ts";
import { tenantsFileSchema } from "../../lambdas/domain/tenant-policy.ts";
import { type LocalGateway, pascalCase, startLocalGateway } from "../gateway/local-gateway.ts";
import { operatorClients } from "../gateway/operator-clients.ts";
import { readCalls } from "./calls.ts";
import { copyBucket } from "./bucket-copy.ts";
import { readFigures } from "./figures.ts";
import { jobsOfCalls, jobsOfQueries, repeatsOf } from "./jobs.ts";
import { ProgressLine } from "./progress.ts";
import { type DemoReport, findFaults } from "./report.ts";
import { ResultReader, sentKey } from "./result-reader.ts";
import { batchTable, jobTable, moneyTable, tenantTable } from "./tables.ts";
import { DEMO_TENANTS } from "./tenants.ts";
import { waitForResults } from "./wait-for-results.ts";

export type DemoOptions = {
  readonly calls: string;
  readonly queries?: string;
  readonly limit: number;
  readonly speed: number;
};

/** Real seconds that each simulated batch takes: four minutes at the demo's usual speed. */
const BATCH_SECONDS = 4;
const WORK_FOLDER = fileURLToPath(new URL("../../.offpeak/demo", import.meta.url));

export type DemoOutcome = { readonly report: DemoReport; readonly faults: readonly string[] };

/** The whole demo: starts the gateway, sends the jobs, waits for every result, prints the tables, stops everything. */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<DemoOutcome> {
  const progress = new ProgressLine();
  const calls = await readCalls(options.calls, options.limit);
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
  const queues = new Map(
    DEMO_TENANTS.map(({ tenantId }) => [
      tenantId,
      gateway.outputs[`ResultsQueueUrl${pascalCase(tenantId)}`] ?? "",
    ]),
  );
  const reader = new ResultReader(sqs, queues);
  const reading = reader.run();
  try {
    const sent = new Set(jobs.map(sentKey));
    const repeats = repeatsOf(jobs);
    const queueUrls = queueUrlsFromOutputs(gateway.outputs);
    progress.show(`sending ${jobs.length + repeats.length} messages`);
    for (const messages of [jobs, repeats]) await sendAll(messages, queueUrls, sqs, signal);
    await waitForResults(sent, reader, gateway, progress, signal);
    const figures = await readFigures(
      gateway,
      stores,
      DEMO_TENANTS.map(({ tenantId }) => tenantId),
    );
    const report = figures.report({
      sent,
      submitted: jobs.length + repeats.length,
      reader,
      seconds: progress.seconds,
    });
    progress.end();
    const folder = await copyBucket(stores.objects, path.join(WORK_FOLDER, "bucket"));
    console.log(tenantTable(figures.entries));
    console.log(batchTable(figures.batches));
    console.log(moneyTable(report));
    console.log(jobTable(report));
    console.log(
      `The batches' input, manifests and raw output, and every result: ${path.relative(process.cwd(), folder)}`,
    );
    console.log(`The functions' logs: ${path.relative(process.cwd(), path.join(WORK_FOLDER, "logs"))}`);
    console.log(
      `Took ${report.seconds.toFixed(1)} s; the largest worker held ${(report.peakWorkerBytes / 1e6).toFixed(0)} MB.`,
    );
    return { report, faults: findFaults(report, reader.strays.length, figures.denials) };
  } finally {
    reader.stop();
    await reading;
    destroy();
  }
}

async function sendAll(
  jobs: readonly JobInput[],
  queueUrls: ReturnType<typeof queueUrlsFromOutputs>,
  sqs: Parameters<typeof submitJobs>[1]["sqs"],
  signal: AbortSignal,
): Promise<void> {
  const outcomes = await submitJobs(jobs, { queueUrls, sqs, signal });
  const failed = outcomes.find((outcome) => outcome.kind === "failed");
  if (failed?.kind === "failed") throw new Error(`a message could not be sent: ${failed.reason}`);
}
