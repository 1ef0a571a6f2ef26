import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BatchId, customIdOf, type TenantId } from "../../lambdas/domain/ids.ts";
import { addEntry, type CostSum, NO_COST } from "../../lambdas/domain/ledger-sum.ts";
import { FileStore } from "../../local/provider-simulator/file-store.ts";
import { type Admitted, admitAll, assemble, deliverAll, runBatch } from "./support/drive-batch.ts";
import { FileObjectStore } from "./support/file-object-store.ts";
import { addTenants, gatewayStores, idOfJob } from "./support/gateway-stores.ts";
import { GatewayThread, inMib } from "./support/gateway-thread.ts";
import { OUTCOME_OF_FATE } from "./support/line-fates.ts";
import { sampleJobs } from "./support/sample-jobs.ts";
import { StreamingProvider } from "./support/streaming-provider.ts";
import { waitingAttempts } from "./support/waiting-attempts.ts";

const JOBS = 50_000;
const TENANTS = 300;
const HEAP_MB = 256;
const MODEL = "gpt-5-nano";
const START = Date.UTC(2026, 10, 21, 12);
const MINUTE = 60_000;

describe(`${JOBS} jobs in one batch, with ${HEAP_MB} MB of heap`, () => {
  const jobs = sampleJobs(JOBS, TENANTS);
  const tenantIds = [...new Set(jobs.map(({ tenantId }) => tenantId as TenantId))];
  const stores = gatewayStores();
  let folder: string;
  let spool: FileStore;
  let provider: StreamingProvider;
  let gateway: GatewayThread;
  let objects: FileObjectStore;
  let admitted: Admitted;
  let batches: readonly BatchId[];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "offpeak-scale-"));
    spool = await FileStore.create();
    const [bucketFolder, providerFolder] = [path.join(folder, "bucket"), path.join(folder, "provider")];
    objects = new FileObjectStore(bucketFolder);
    provider = new StreamingProvider(providerFolder, spool);
    await addTenants(tenantIds, stores);
    gateway = new GatewayThread({ bucketFolder, providerFolder }, { ...stores, provider }, HEAP_MB);
    const way = { steps: gateway.steps, stores, provider, model: MODEL };
    admitted = await admitAll(jobs, START, way);
    batches = await assemble(START + 5 * MINUTE, way);
    for (const batchId of batches) await runBatch(batchId, START + 6 * MINUTE, way);
    await deliverAll(way);
  }, 300_000);
  afterAll(async () => {
    await gateway.stop();
    await spool.close();
    await rm(folder, { recursive: true });
  });

  it("are admitted once each, and assembled into one batch of them all", async () => {
    expect(admitted).toEqual({ admitted: JOBS, duplicates: 1000, failed: 0 });
    expect(batches).toHaveLength(1);
    const [batchId] = batches;
    const record = batchId && (await stores.batches.get(batchId));
    expect(record).toMatchObject({ state: "closed", plan: { requests: JOBS, tenants: TENANTS } });
    expect(provider.created).toBe(1);
    expect(provider.fates.size).toBe(JOBS);
    expect(provider.inputBytes).toBe(record && record.plan.inputBytes);
    expect(provider.inputBytes).toBeGreaterThan(JOBS * 2000);
    expect(await provider.files.list()).toEqual([]);
  });

  it("end once each, or wait for the next window once each", async () => {
    const waiting = new Map(Map.groupBy(await waitingAttempts(objects), (id) => id));
    const wrong: unknown[] = [];
    for (const job of jobs) {
      const { tenantId, jobId } = idOfJob(job);
      const fate = provider.fates.get(customIdOf(jobId, 1));
      const stored = await stores.jobs.get(tenantId, jobId);
      const delivered = stores.queues.results.get(jobId);
      const seen = {
        state: stored?.state,
        attempt: stored?.attempt,
        delivered: delivered && [delivered.tenantId, delivered.status, delivered.times],
        waiting: waiting.get(customIdOf(jobId, 2))?.length ?? 0,
      };
      const outcome = fate && OUTCOME_OF_FATE[fate];
      const expected =
        outcome === "tried again"
          ? { state: "queued", attempt: 2, delivered: undefined, waiting: 1 }
          : { state: "ended", attempt: 1, delivered: [tenantId, outcome, 1], waiting: 0 };
      if (JSON.stringify(seen) !== JSON.stringify(expected)) wrong.push({ jobId, fate, seen });
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(stores.queues.strange).toEqual([]);
    expect(stores.runs.take()).toEqual([]);
  });

  it("cost each tenant what the provider billed for its jobs, to the pico-dollar", async () => {
    const wrong: string[] = [];
    const invoiced = new Map<TenantId, bigint>(tenantIds.map((tenantId) => [tenantId, 0n]));
    for (const { tenantId, jobId } of jobs.map(idOfJob)) {
      const billed = provider.invoice.get(customIdOf(jobId, 1)) ?? 0n;
      invoiced.set(tenantId, (invoiced.get(tenantId) ?? 0n) + billed);
      const told = stores.queues.results.get(jobId)?.picoUsd ?? 0n;
      if (told !== billed) wrong.push(`${jobId}: ${told} for ${billed}`);
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    let total: CostSum = NO_COST;
    for (const tenantId of tenantIds) {
      let sum = NO_COST;
      for await (const entry of stores.ledger.entries(tenantId, "2026-11-20", "2026-11-22")) {
        sum = addEntry(sum, entry);
        total = addEntry(total, entry);
      }
      expect([tenantId, sum.cost]).toEqual([tenantId, invoiced.get(tenantId)]);
    }
    expect(total.answers).toBe(provider.invoice.size);
    expect(total.cost).toBe(provider.invoice.values().reduce((sum, billed) => sum + billed, 0n));
    expect(total.cost).toBeGreaterThan(0n);
  });

  it(`never hold more than ${HEAP_MB} MB, buffers included`, async () => {
    const { bySteps, fromOutside } = await gateway.peaks();
    const rows = Object.entries(bySteps).map(([step, bytes]) => `  ${step} ${inMib(bytes)} MiB`);
    const sizes = `input ${inMib(provider.inputBytes)} MiB, output ${inMib(provider.outputBytes)} MiB`;
    process.stdout.write(
      [`${sizes}; peak by step:`, ...rows, `  seen from outside ${inMib(fromOutside)} MiB`, ""].join("\n"),
    );
    expect(Math.max(fromOutside, ...Object.values(bySteps))).toBeLessThan(HEAP_MB * 1024 * 1024);
  });
});
