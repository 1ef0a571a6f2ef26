import { expect, test } from "vitest";
import { type BilledUsage, costOf, Invoice, NO_USAGE } from "../../../local/provider-simulator/invoice.ts";
import { findModel, modelIds } from "../../../local/provider-simulator/model-catalog.ts";
import { pricesOf, type Service } from "../../../local/provider-simulator/price-list.ts";
import { chatLine, createBatch, startBench, untilEnded, untilStatus } from "./simulator-fixture.ts";

const usage = (parts: Partial<BilledUsage>): BilledUsage => ({ ...NO_USAGE, ...parts });

// Worked by hand from dollars per million tokens: $1 / 1M tokens is 1,000,000 picodollars a token.
const worked: [string, Service, Partial<BilledUsage>, bigint][] = [
  // 1,000 × $0.05 + 200 × $0.40 = 50 + 80 microdollars
  ["gpt-5-nano", "sync", { inputTokens: 1000, outputTokens: 200 }, 130_000_000n],
  // half of it
  ["gpt-5-nano", "batch", { inputTokens: 1000, outputTokens: 200 }, 65_000_000n],
  // 100 × $0.125 + 900 × $0.0125 + 10 × $1 = 12.5 + 11.25 + 10
  ["gpt-5-mini", "batch", { inputTokens: 100, cachedInputTokens: 900, outputTokens: 10 }, 33_750_000n],
  // flex is the batch price: 1 × $0.625 + 1 × $0.0625 + 1 × $5
  ["gpt-5", "flex", { inputTokens: 1, cachedInputTokens: 1, outputTokens: 1 }, 5_687_500n],
  // gpt-4o-mini has no cached batch price: 1,000 × $0.075
  ["gpt-4o-mini", "batch", { cachedInputTokens: 1000 }, 75_000_000n],
  // but a cached standard price, which is the same half
  ["gpt-4o-mini", "sync", { cachedInputTokens: 1000 }, 75_000_000n],
  // 8,000 × $2 + 1,024 × $2.50 + 500 × $10 = 16,000 + 2,560 + 5,000
  ["gpt-6-sol", "sync", { inputTokens: 8000, cacheWriteTokens: 1024, outputTokens: 500 }, 23_560_000_000n],
  // 2,000 × $0.13
  ["text-embedding-3-large", "sync", { inputTokens: 2000 }, 260_000_000n],
  ["text-embedding-3-small", "batch", { inputTokens: 1 }, 10_000n],
  // (3 × $1 + 1,500 × $0.10 + 10 × $5) / 2 = (3 + 150 + 50) / 2
  ["claude-haiku-4-5", "batch", { inputTokens: 3, cachedInputTokens: 1500, outputTokens: 10 }, 101_500_000n],
  // 100 × $5 (5 minutes) + 100 × $8 (1 hour), halved
  ["claude-opus-5-5", "batch", { cacheWriteTokens: 100, longCacheWriteTokens: 100 }, 650_000_000n],
  // 100 × $3.75 + 100 × $6
  ["claude-sonnet-4-6", "sync", { cacheWriteTokens: 100, longCacheWriteTokens: 100 }, 975_000_000n],
];

test.each(worked)("%s %s %o costs what it costs by hand", (model, service, parts, picoUsd) => {
  expect(costOf(model, service, usage(parts))).toBe(picoUsd);
});

test("every model of the catalog has a price in every service, and nothing else has one", () => {
  for (const model of modelIds()) {
    for (const service of ["sync", "batch", "flex"] as const) {
      expect(pricesOf(model, service).input, `${model} ${service}`).toBeGreaterThan(0n);
    }
  }
  expect(() => pricesOf("gpt-0", "sync")).toThrow("no row");
});

test("no batch price is above the standard price, and Anthropic's are exactly half", () => {
  for (const model of modelIds()) {
    const [sync, batch] = [pricesOf(model, "sync"), pricesOf(model, "batch")];
    expect(batch.input * 2n).toBe(sync.input);
    expect(batch.output * 2n).toBe(sync.output);
    if (findModel("anthropic", model)) expect(batch.cachedInput * 2n).toBe(sync.cachedInput);
  }
});

test("the total is the sum of the lines, by provider and in all", () => {
  const invoice = new Invoice();
  const origin = { batchId: null, customId: null, requestId: "r", service: "sync" } as const;
  invoice.bill({ ...origin, provider: "openai", model: "gpt-5", usage: usage({ inputTokens: 3 }) }, 0);
  invoice.bill(
    { ...origin, provider: "anthropic", model: "claude-sonnet-5", usage: usage({ outputTokens: 7 }) },
    0,
  );
  const statement = invoice.statement();
  expect(statement.byProvider).toEqual({ openai: "3750000", anthropic: "70000000" });
  expect(statement.totalPicoUsd).toBe("73750000");
  expect(statement.lines[0]).toMatchObject({ at: "1970-01-01T00:00:00.000Z", picoUsd: "3750000" });
});

test("batches and direct calls of both providers are billed as their answers say", async () => {
  const { openai, anthropic, simulator } = await startBench({ flexRefusedShare: 0, flexSeconds: [0, 0.1] });
  // "user\nHello there.\n" is 18 characters, 5 tokens; the answer "Hello there." is 3.
  const batch = await createBatch(openai, [chatLine("a", "Hello there.", { model: "gpt-4.1-nano" })]);
  await untilStatus(openai, batch.id, "completed");
  const messages = [{ role: "user" as const, content: "Hello there." }];
  await openai.chat.completions.create({ model: "gpt-5.1", messages, service_tier: "flex" });
  await openai.chat.completions.create({ model: "gpt-5.1", messages });
  const { id } = await anthropic.messages.batches.create({
    requests: [{ custom_id: "b", params: { model: "claude-sonnet-4-6", max_tokens: 50, messages } }],
  });
  await untilEnded(anthropic, id);
  const lines = simulator.invoice().lines;
  expect(
    lines.map(({ model, service, batchId, customId, picoUsd }) => [
      model,
      service,
      batchId,
      customId,
      picoUsd,
    ]),
  ).toEqual([
    // 5 × $0.05 + 3 × $0.20
    ["gpt-4.1-nano", "batch", batch.id, "a", "850000"],
    // 5 × $0.625 + 3 × $5
    ["gpt-5.1", "flex", null, null, "18125000"],
    // 5 × $1.25 + 3 × $10
    ["gpt-5.1", "sync", null, null, "36250000"],
    // 5 × $1.50 + 3 × $7.50
    ["claude-sonnet-4-6", "batch", id, "b", "30000000"],
  ]);
  expect(simulator.invoice().totalPicoUsd).toBe("85225000");
});

test("a batch's cached tokens are billed at the cached batch price where there is one", async () => {
  const { openai, simulator } = await startBench();
  const shared = "s".repeat(1280 * 4 - "user\n".length);
  for (const model of ["gpt-5-mini", "gpt-4o-mini"]) {
    const lines = ["a", "b"].map((id) =>
      chatLine(`${model}-${id}`, shared + id, { model, max_completion_tokens: 300 }),
    );
    const batch = await createBatch(openai, lines);
    await untilStatus(openai, batch.id, "completed");
  }
  const cached = simulator.invoice().lines.filter((line) => line.usage.cachedInputTokens > 0);
  expect(cached.map((line) => [line.customId, line.usage.cachedInputTokens])).toEqual([
    ["gpt-5-mini-b", 1280],
    ["gpt-4o-mini-b", 1280],
  ]);
  for (const line of cached) {
    const price = line.model === "gpt-5-mini" ? 12_500n : 75_000n;
    const rest = { ...line.usage, cachedInputTokens: 0 };
    expect(BigInt(line.picoUsd) - costOf(line.model, "batch", rest)).toBe(1280n * price);
  }
});
