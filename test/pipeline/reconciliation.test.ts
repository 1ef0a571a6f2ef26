import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runOffpeak } from "../../cli/program.ts";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import { tenantsFileSchema } from "../../lambdas/domain/tenant-policy.ts";
import { type LocalGateway, startLocalGateway, STACK_NAME } from "../../local/gateway/local-gateway.ts";
import { operatorClients } from "../../local/gateway/operator-clients.ts";
import { anEntry } from "../contracts/sample-records.ts";
import { assembleShared } from "../shared-assembly.ts";
import { jobMessage, request, Stranger } from "./stranger.ts";

let gateway: LocalGateway;
let stranger: Stranger;
let folder: string;
let outputsFile: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "offpeak-reconciliation-"));
  gateway = await startLocalGateway({
    speed: 1,
    timeLapse: true,
    tenants: tenantsFileSchema.parse([{ tenantId: "acme" }, { tenantId: "globex" }]),
    workFolder: path.join(folder, "stack"),
    assemble: assembleShared,
    simulator: { batchSeconds: 240, seed: "reconciliation" },
    environment: {},
    log: () => undefined,
  });
  stranger = new Stranger(gateway.outputs);
  outputsFile = path.join(folder, "outputs.json");
  await writeFile(outputsFile, JSON.stringify({ [STACK_NAME]: gateway.outputs }));
}, 120_000);

afterAll(async () => {
  stranger?.close();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function reconcile() {
  let out = "";
  let error = "";
  const code = await runOffpeak(["reconcile", "--json", "--outputs", outputsFile], {
    out: (text) => void (out += text),
    error: (text) => void (error += text),
    now: Date.now,
  });
  expect(error).toBe("");
  return { code, report: JSON.parse(out) as Record<string, unknown> };
}

/** Until every batch is closed, which is some time after its results are delivered. */
async function settled(batches: number): Promise<Record<string, unknown>> {
  for (;;) {
    const { report } = await reconcile();
    if (report["open"] === 0 && Number(report["batches"]) >= batches) return report;
    await setTimeout(200);
  }
}

function daily() {
  return gateway.stack.invoke("ReconcileBatches", {});
}

describe("what the local stack settled", { timeout: 120_000 }, () => {
  test("agrees with the providers' output, by the tool and by the daily function in its own role", async () => {
    const claude = {
      provider: "anthropic",
      endpoint: "/v1/messages",
      body: {
        model: "claude-haiku-4-5",
        max_tokens: 50,
        messages: [{ role: "user", content: "Hello there" }],
      },
    };
    await stranger.send("JobsNormalQueueUrl", [
      JSON.stringify(jobMessage()),
      JSON.stringify(jobMessage({ tenantId: "globex", request: request({}) })),
      JSON.stringify(jobMessage({ tenantId: "globex", idempotencyKey: "claude", request: claude })),
    ]);
    await stranger.results("Acme", 1);
    await stranger.results("Globex", 2);
    const report = await settled(2);
    expect(report).toMatchObject({ differences: [], unconfirmed: [] });
    const { tenants: _tenants, ledger, destroy } = operatorClients(gateway.aws, gateway.outputs);
    let charged = 0n;
    for (const tenant of ["acme", "globex"]) {
      for await (const entry of ledger.entries(tenant as TenantId, "2026-01-01", "2999-01-01"))
        charged += BigInt(entry.costPicoUsd);
    }
    destroy();
    expect(charged).toBeGreaterThan(0n);
    expect(report["costPicoUsd"]).toBe(charged.toString());
    expect(await daily()).toMatchObject({
      kind: "succeeded",
      payload: JSON.stringify({ batches: report["batches"], differences: 0 }),
    });
  });

  test("does not when the ledger holds one entry too many", async () => {
    const { batches, ledger, destroy } = operatorClients(gateway.aws, gateway.outputs);
    const [first] = await Array.fromAsync(batches.listPlanned("openai", 0, Date.now() + 1));
    const date = new Date().toISOString().slice(0, 10);
    await ledger.record([anEntry(`${date}#by-hand`, { batchId: first?.batchId ?? "" })]);
    destroy();
    const { code, report } = await reconcile();
    expect(code).toBe(1);
    expect(report).toMatchObject({ differences: [{ kind: "charge", found: { costPicoUsd: "48300000" } }] });
    expect(await daily()).toMatchObject({
      kind: "succeeded",
      payload: JSON.stringify({ batches: report["batches"], differences: 1 }),
    });
    expect(gateway.stack.functions.metrics().get("reconcile-batches/LedgerDifferences")).toBe(1);
  });
});
