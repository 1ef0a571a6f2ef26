import { describe, test } from "vitest";
import type { JobId, TenantId, WindowId } from "../lambdas/domain/ids.ts";
import type { IndexEntry } from "../lambdas/domain/job-record.ts";
import { jsonLines } from "../lambdas/domain/jsonl.ts";
import { PROVIDER_BATCH_LIMITS } from "../lambdas/domain/limits.ts";
import { readOutputLine } from "../lambdas/domain/output-line.ts";
import { planWindow } from "../lambdas/domain/planner.ts";
import { SettlementFold } from "../lambdas/domain/settlement-fold.ts";
import { answerAll, answerLine, jobMessage, MemoryGateway } from "../test/lambdas/support/memory-gateway.ts";

const JOBS = 50_000;
/** Each measurement is long by itself: a few tell the minimum and the spread. */
const FEW = { iterations: 10, warmupIterations: 2, time: 0 };
const NOW = Date.UTC(2026, 10, 21, 12);

function entry(number: number): IndexEntry {
  return {
    version: 1,
    jobId: number.toString(2).padStart(26, "a").replaceAll("0", "b").replaceAll("1", "c") as JobId,
    tenantId: `tenant-${number % 100}` as TenantId,
    attempt: 1,
    roundStart: 1,
    group: {
      provider: "openai",
      account: "openai",
      endpoint: "/v1/chat/completions",
      model: number % 3 === 0 ? "gpt-5-mini" : "gpt-5-nano",
      isolation: "shared",
    },
    tokens: 500,
    inputs: 0,
    lineBytes: 2_000,
    due: NOW + (number % 977) * 1_000,
    source: {
      key: `segments/lines/${number % 50}.jsonl`,
      line: number,
      offset: number * 2_000,
      length: 2_000,
    },
  };
}

describe(`a window of ${JOBS} jobs`, () => {
  const entries = Array.from({ length: JOBS }, (_, number) => entry(number));
  const open = {
    dedicated: new Set<never>(),
    heldAccounts: new Set<never>(),
    unpriced: new Set<never>(),
    over: new Set<never>(),
  };
  const settings = { limits: PROVIDER_BATCH_LIMITS, minBatchJobs: 50, leadMs: 0, maxJobs: 200_000 };
  test("planned", async ({ bench }) => {
    await bench("planned", () => {
      planWindow("20261121T120000Z" as WindowId, entries, open, settings, NOW + 3_600_000);
    }).run(FEW);
  });
});

describe(`an output of ${JOBS} lines`, () => {
  const customIds = Array.from({ length: JOBS }, (_, number) => `${entry(number).jobId}-1`);
  const lines = customIds.map((id) => `${answerLine(JSON.stringify({ custom_id: id }))}\n`);
  const bytes = Buffer.from(lines.join(""));
  async function* chunks() {
    for (let start = 0; start < bytes.length; start += 65_536) yield bytes.subarray(start, start + 65_536);
  }
  test("cut into lines", async ({ bench }) => {
    await bench("cut into lines", async () => {
      for await (const line of jsonLines(chunks())) void line;
    }).run(FEW);
  });
  test("folded into a settlement plan", async ({ bench }) => {
    await bench("folded into a settlement plan", async () => {
      const fold = new SettlementFold(customIds);
      for await (const line of jsonLines(chunks())) {
        const read = readOutputLine("openai", Buffer.from(line.bytes).toString("utf8"));
        if (read.kind !== "unparseable")
          fold.add("out", line.length, { customId: read.customId, rank: "answered" });
      }
      fold.finish();
    }).run(FEW);
  });
});

describe("1,000 jobs on memory adapters", () => {
  test("from their messages to their results", async ({ bench }) => {
    await bench("from their messages to their results", async () => {
      const gateway = new MemoryGateway();
      await gateway.addTenant({ tenantId: "acme" });
      await gateway.admit(
        Array.from({ length: 1_000 }, (_, number) =>
          gateway.message(jobMessage({ idempotencyKey: `k${number}` })),
        ),
      );
      for (const batchId of await gateway.window()) await gateway.runBatch(batchId, answerAll);
      await gateway.results("acme");
    }).run(FEW);
  });
});
