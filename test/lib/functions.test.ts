import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { COLLECT_LEASE_MS } from "../../lambdas/collect-results/collect-results.ts";
import { ESCALATING_MS } from "../../lambdas/escalate-jobs/escalate-batch.ts";
import { ABANDONED_AFTER_MS } from "../../lambdas/freeze-window/freeze-window.ts";
import { flexSettings } from "../../lambdas/run-flex/flex-settings.ts";
import { DIRECT_SETTINGS } from "../../lambdas/run-job/direct-work.ts";
import { RUN_LEASE_MS } from "../../lambdas/run-job/run-job.ts";
import { RECONCILING_MS } from "../../lambdas/reconcile-batches/reconcile-batches.ts";
import { SUBMIT_LEASE_MS } from "../../lambdas/submit-batch/submit-batch.ts";
import {
  folderOf,
  FUNCTION_IDS,
  type FunctionId,
  limitsOf,
  WORKLOAD_VISIBILITY,
} from "../../lib/function-limits.ts";
import { EVERY_WORKLOAD, resourcesOf, templateOf } from "./stage-template.ts";

const LAMBDAS = path.join(import.meta.dirname, "../../lambdas");
const template = templateOf(EVERY_WORKLOAD);

const functionSchema = z.object({
  Architectures: z.array(z.string()),
  Runtime: z.string(),
  LoggingConfig: z.object({ LogGroup: z.string() }),
  ReservedConcurrentExecutions: z.undefined().optional(),
  Environment: z.object({ Variables: z.record(z.string(), z.string()) }),
});
const functions = new Map(
  Object.values(resourcesOf(template, "AWS::Lambda::Function"))
    .map((properties) => functionSchema.parse(properties))
    .map((properties) => [properties.Environment.Variables["POWERTOOLS_SERVICE_NAME"] ?? "", properties]),
);

/** What every function is given besides the variables of its env.ts. */
const COMMON = ["LOG_LEVEL", "NODE_OPTIONS", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"];

test("every folder with a handler or an environment is a function, and the other way round", () => {
  const folders = readdirSync(LAMBDAS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => readdirSync(path.join(LAMBDAS, name)).includes("env.ts"));
  expect([...functions.keys()].toSorted()).toEqual(folders.toSorted());
  expect(FUNCTION_IDS.map(folderOf).toSorted()).toEqual(folders.toSorted());
});

describe.each([...functions.keys()])("%s", (folder) => {
  const properties = functions.get(folder);

  test("has the environment that its env.ts asks for, and no more", async () => {
    const module: unknown = await import(path.join(LAMBDAS, folder, "env.ts"));
    const { envSchema } = z.object({ envSchema: z.instanceof(z.ZodObject) }).parse(module);
    const variables = properties?.Environment.Variables ?? {};
    expect(z.safeParse(envSchema, variables).error).toBeUndefined();
    expect(Object.keys(variables).toSorted()).toEqual(
      [...Object.keys(envSchema.shape), ...COMMON].toSorted(),
    );
  });

  test("runs on arm64 with a log group of its own", () => {
    expect(properties).toMatchObject({ Architectures: ["arm64"], Runtime: "nodejs24.x" });
    const logs = resourcesOf(template, "AWS::Logs::LogGroup")[properties?.LoggingConfig.LogGroup ?? ""];
    expect(logs).toEqual({ LogGroupName: `/offpeak/Offpeak/${folder}`, RetentionInDays: 30 });
  });
});

function timeoutMs(id: FunctionId): number {
  return limitsOf(id).timeout.toMilliseconds();
}

test("a function ends before what it holds is taken for abandoned", () => {
  expect(timeoutMs("SubmitBatch")).toBeLessThan(SUBMIT_LEASE_MS);
  expect(timeoutMs("CollectResults")).toBeLessThan(COLLECT_LEASE_MS);
  expect(timeoutMs("RunJob")).toBeLessThan(RUN_LEASE_MS);
  expect(DIRECT_SETTINGS.workMs).toBeLessThan(timeoutMs("RunJob"));
  const flex = flexSettings(720_000);
  expect(timeoutMs("RunFlex")).toBeLessThan(flex.leaseMs);
  expect(flex.workMs).toBeLessThan(timeoutMs("RunFlex"));
  expect(flex.callMs.flex + flex.callMs.sync).toBeLessThan(flex.workMs);
  expect(timeoutMs("EscalateJobs")).toBeLessThan(ESCALATING_MS);
  expect(Math.max(timeoutMs("AdmitJobs"), timeoutMs("RunJob"))).toBeLessThan(ABANDONED_AFTER_MS);
});

test("a message of a workload's results stays hidden for six times as long as its function may take", () => {
  expect(6 * timeoutMs("TakeLeadAnswers")).toBeLessThanOrEqual(WORKLOAD_VISIBILITY.toMilliseconds());
});

test("reconciling begins no batch when there is less than two minutes left for it", () => {
  expect(timeoutMs("ReconcileBatches")).toBe(RECONCILING_MS + 120_000);
});

test("settings reach the functions", () => {
  const set = templateOf({
    stackName: "Stage-2",
    tierDueSeconds: { low: 60 },
    providers: { openai: { baseUrl: "http://localhost:8000/v1" } },
    batchCaps: { openai: { maxRequests: 7 } },
    minBatchJobs: 3,
    escalation: { marginSeconds: 90 },
    providerFiles: "keep",
    architecture: "x86_64",
  });
  const variables = Object.fromEntries(
    Object.values(resourcesOf(set, "AWS::Lambda::Function"))
      .map((properties) => functionSchema.parse(properties))
      .flatMap(({ Environment }) => Object.entries(Environment.Variables)),
  );
  expect(variables["STACK_NAME"]).toBe("111122223333/eu-central-1/Stage-2");
  expect(variables["MIN_BATCH_JOBS"]).toBe("3");
  expect(variables["PROVIDER_FILES"]).toBe("keep");
  expect(JSON.parse(variables["ESCALATION"] ?? "")).toMatchObject({ marginSeconds: 90, jobsPerSecond: 10 });
  expect(JSON.parse(variables["TIER_DUE_SECONDS"] ?? "")).toMatchObject({ low: 60, high: 60 });
  expect(JSON.parse(variables["BATCH_CAPS"] ?? "")).toMatchObject({ openai: { maxRequests: 7 } });
  expect(JSON.parse(variables["PROVIDER_ACCOUNTS"] ?? "")).toMatchObject({
    openai: { baseUrl: "http://localhost:8000/v1" },
  });
  set.allResourcesProperties("AWS::Lambda::Function", { Architectures: ["x86_64"] });
});
