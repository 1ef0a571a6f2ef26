import path from "node:path";
import { fileURLToPath } from "node:url";
import { inboxPrefix } from "../../../lambdas/domain/object-keys.ts";
import { postCallPolicySchema } from "../../../lambdas/domain/post-call/post-call-policy.ts";
import { type TenantPolicy, tenantsFileSchema } from "../../../lambdas/domain/tenant-policy.ts";
import { type LocalGateway, startLocalGateway } from "../../gateway/local-gateway.ts";
import { operatorClients } from "../../gateway/operator-clients.ts";
import { synthesize } from "../../gateway/synthesize.ts";
import { copyBucket } from "../bucket-copy.ts";
import { type Call, readCalls } from "../calls.ts";
import { readFigures } from "../figures.ts";
import { ProgressLine } from "../progress.ts";
import { sentKey } from "../result-reader.ts";
import type { DemoOptions } from "../run-demo.ts";
import { resultQueues } from "../send-jobs.ts";
import { DEMO_TENANTS, tenantOfVertical } from "../tenants.ts";
import { waitForResults } from "../wait-for-results.ts";
import type { WorkloadOutcome } from "../workload-demo.ts";
import { AnalysesReader } from "./analyses-reader.ts";
import { analysedCalls } from "./analysis-tables.ts";
import { postCallReport, printPostCall } from "./post-call-report.ts";

/** Real seconds that each simulated batch takes: four minutes at the demo's usual speed. */
const BATCH_SECONDS = 4;
/**
 * Due times are those of a deployed stage: divided by the speed, they would be over before this machine could begin so many
 * jobs one by one, and all of them would leave their batch at once.
 */
const STAGE = { tierDueSeconds: {} };
const WORK_FOLDER = fileURLToPath(new URL("../../../.offpeak/demo-post-call", import.meta.url));

const POLICIES: readonly TenantPolicy[] = tenantsFileSchema.parse(
  DEMO_TENANTS.map(({ tenantId, isolation, vertical }) => ({
    tenantId,
    isolation,
    workloads: { postCall: postCallPolicySchema.parse({ vertical }) },
  })),
);
const TENANT_IDS = POLICIES.map(({ tenantId }) => tenantId);

/** Drops each tenant's calls into its inbox as one file, waits for every analysis, prints the tables, stops everything. */
export async function runPostCall(options: DemoOptions, signal: AbortSignal): Promise<WorkloadOutcome> {
  const progress = new ProgressLine();
  const calls = await readCalls(options.calls, options.limit ?? Infinity);
  const gateway = await startLocalGateway({
    speed: options.speed,
    tenants: POLICIES,
    workFolder: WORK_FOLDER,
    simulator: { batchSeconds: BATCH_SECONDS, directLatencyMs: 300, seed: "demo" },
    environment: {},
    workloads: ["postCall"],
    assemble: (place, settings) => synthesize(place, { ...settings, ...STAGE }),
    log: (line) => progress.show(line),
  });
  try {
    signal.throwIfAborted();
    return await demonstrate(gateway, calls, progress, signal);
  } finally {
    await gateway.stop();
  }
}

async function demonstrate(
  gateway: LocalGateway,
  calls: readonly Call[],
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<WorkloadOutcome> {
  const { sqs, destroy, ...stores } = operatorClients(gateway.aws, gateway.outputs);
  const reader = new AnalysesReader(sqs, resultQueues(gateway.outputs, TENANT_IDS));
  const reading = reader.run();
  try {
    const byTenant = Map.groupBy(calls, ({ vertical }) => tenantOfVertical(vertical));
    progress.show(`dropping ${calls.length} calls into ${byTenant.size} inboxes`);
    for (const { tenantId } of POLICIES) {
      const own = byTenant.get(tenantId) ?? [];
      const lines = own.map((call) => `${JSON.stringify(call)}\n`).join("");
      if (own.length > 0) await stores.objects.put(`${inboxPrefix(tenantId)}calls.jsonl`, lines);
    }
    const sent = new Set(
      [...byTenant].flatMap(([tenantId, own]) =>
        own.map(({ call_id }) => sentKey({ tenantId, idempotencyKey: `post-call/${call_id}` })),
      ),
    );
    await waitForResults(sent, reader, gateway, progress, signal);
    const figures = await readFigures(gateway, stores, TENANT_IDS);
    progress.end();
    const found = { sent, results: reader.first, strays: reader.strays.length, seconds: progress.seconds };
    const outcome = postCallReport(found, figures, POLICIES);
    const bucket = await copyBucket(stores.objects, path.join(WORK_FOLDER, "bucket"));
    printPostCall(outcome.report, figures, analysedCalls(reader.first.values()), reader.first.values());
    console.log(`
Every analysis:      ${path.relative(process.cwd(), path.join(bucket, "workloads"))}
The functions' logs: ${path.relative(process.cwd(), path.join(WORK_FOLDER, "logs"))}
Took ${progress.seconds.toFixed(1)} s.`);
    return outcome;
  } finally {
    reader.stop();
    await reading;
    destroy();
  }
}
