import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tenantsFileSchema } from "../../../lambdas/domain/tenant-policy.ts";
import { WORKLOADS } from "../../../lambdas/domain/workloads.ts";
import { readStageSettings } from "../../../lib/stage-settings.ts";
import { startLocalGateway } from "../../../local/gateway/local-gateway.ts";
import { readTenants, workloadGaps } from "../../../local/gateway/local-tenants.ts";
import { parseWorkloads } from "../../../local/gateway/workload-names.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "offpeak-workloads-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("names", () => {
  test.each([
    ["post-call", ["postCall"]],
    ["re-index, lead-scoring,re-index", ["leadScoring", "reIndex"]],
    ["all", WORKLOADS],
    ["all,post-call", WORKLOADS],
  ])("%s", (text, workloads) => {
    expect(parseWorkloads(text)).toEqual(workloads);
  });

  test.each(["postCall", "post-call,", "", "none"])(
    "%j is refused, with the names that there are",
    (text) => {
      const known =
        /there is no workload "(postCall|none|)": give some of post-call, lead-scoring, re-index,/;
      expect(() => parseWorkloads(text)).toThrow(known);
    },
  );

  test("the local stack ends at a wrong one, before anything is started", () => {
    const main = fileURLToPath(new URL("../../../local/gateway/main.ts", import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, "--workloads", "post-cal"], {
      encoding: "utf8",
      // One that starts after all is stopped.
      timeout: 20_000,
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain(
      'there is no workload "post-cal": give some of post-call, lead-scoring, re-index',
    );
  });
});

describe("the stage", () => {
  /** The settings that the gateway would synthesize with; nothing is started. */
  async function stageOf(options: { readonly workloads?: readonly (typeof WORKLOADS)[number][] }) {
    let settings: unknown;
    const starting = startLocalGateway({
      ...options,
      speed: 60,
      tenants: [],
      workFolder: path.join(folder, "work"),
      environment: { OPENAI_BASE_URL: "http://127.0.0.1:9/v1", ANTHROPIC_BASE_URL: "http://127.0.0.1:9" },
      assemble: async (_place, given) => {
        settings = given;
        throw new Error("seen enough");
      },
      log: () => undefined,
    });
    await expect(starting).rejects.toThrow("seen enough");
    return readStageSettings(settings);
  }

  test("has the workloads that are asked for, and none unasked", async () => {
    expect((await stageOf({ workloads: ["postCall", "reIndex"] })).workloads).toEqual({
      postCall: true,
      leadScoring: false,
      reIndex: true,
      s3Vectors: true,
    });
    expect(new Set(Object.values((await stageOf({})).workloads))).toEqual(new Set([false]));
  });
});

describe("tenants", () => {
  test("without a file the one tenant has the workloads that are on, and can send what it drafts", async () => {
    expect(await readTenants(undefined, [])).toMatchObject([{ tenantId: "acme", workloads: {} }]);
    const [acme] = await readTenants(undefined, WORKLOADS);
    expect(Object.keys(acme?.workloads ?? {}).toSorted()).toEqual(WORKLOADS.toSorted());
    expect(acme?.workloads.leadScoring?.sender).toBeDefined();
    const [one] = await readTenants(undefined, ["reIndex"]);
    expect(Object.keys(one?.workloads ?? {})).toEqual(["reIndex"]);
  });

  test("a file's policies decide, whatever is on", async () => {
    const file = path.join(folder, "tenants.json");
    await writeFile(file, JSON.stringify([{ tenantId: "globex", workloads: { postCall: {} } }]));
    const [globex, ...others] = await readTenants(file, WORKLOADS);
    expect(others).toEqual([]);
    expect(Object.keys(globex?.workloads ?? {})).toEqual(["postCall"]);
  });

  test("what only the stage has, or only policies, is told", () => {
    const tenants = tenantsFileSchema.parse([
      { tenantId: "acme", workloads: { postCall: {}, reIndex: {} } },
      { tenantId: "globex", workloads: { reIndex: {} } },
    ]);
    expect(workloadGaps(["postCall", "leadScoring"], tenants)).toEqual([
      "No tenant has lead-scoring: set workloads.leadScoring in the tenants file, see docs/workloads/lead-scoring.md.",
      "re-index is off, though policies have it (acme, globex): add re-index to --workloads.",
    ]);
    expect(workloadGaps(["postCall", "reIndex"], tenants)).toEqual([]);
    expect(workloadGaps([], tenantsFileSchema.parse([{ tenantId: "acme" }]))).toEqual([]);
  });
});
