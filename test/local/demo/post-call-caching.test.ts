import { expect, test } from "vitest";
import { z } from "zod";
import { analysisBody } from "../../../lambdas/domain/post-call/analysis-job.ts";
import { postCallPolicySchema } from "../../../lambdas/domain/post-call/post-call-policy.ts";
import { readCalls, SAMPLE_CALLS } from "../../../local/demo/calls.ts";
import { cacheUseOf, simulatedCaching } from "../../../local/demo/post-call/cache-use.ts";
import { createBatch, readLines, startBench, until } from "../provider-simulator/simulator-fixture.ts";
import { VirtualClock } from "../provider-simulator/virtual-clock.ts";

const CALLS = 2000;
/** As long as nine of ten batches take at most: a cached prefix lives ten minutes unless it is read. */
const BATCH_SECONDS = 3600;
const STEPS = 60;

const usageSchema = z.object({
  usage: z.object({
    prompt_tokens: z.number(),
    prompt_tokens_details: z.object({ cached_tokens: z.number() }),
  }),
});

/** Answers 2,000 calls of six verticals in one batch; what the provider says of its cache, by vertical. */
async function analyse(model: string) {
  const clock = new VirtualClock();
  const { openai } = await startBench({ clock, batchSeconds: BATCH_SECONDS });
  const samples = await readCalls(SAMPLE_CALLS, Infinity);
  const calls = Array.from({ length: CALLS }, (_, number) => {
    const sample = samples[number % samples.length]!;
    const turns = [{ speaker: "agent", text: `This is call number ${number}.` }, ...sample.turns];
    return { customId: `${sample.vertical}-${number}`, vertical: sample.vertical, turns };
  });
  const policyOf = (vertical: string) => postCallPolicySchema.parse({ vertical, model });
  const batch = await createBatch(
    openai,
    calls.map(({ customId, vertical, turns }) => ({
      custom_id: customId,
      method: "POST",
      url: "/v1/chat/completions",
      body: analysisBody(policyOf(vertical), { turns }),
    })),
  );
  for (let step = 1; step <= STEPS; step += 1) {
    clock.advance((BATCH_SECONDS * 1000) / STEPS);
    // Lines run from 5 % to 90 % of the batch's time, and the batch looks at the clock fifty times meanwhile: those that it
    // has seen to be due are done before the clock goes on.
    const due = Math.floor((CALLS * (step / STEPS - 0.05)) / 0.85 - CALLS / 20);
    await until(
      () => openai.batches.retrieve(batch.id),
      (seen) => expect(seen.request_counts?.completed ?? 0).toBeGreaterThanOrEqual(Math.min(CALLS, due)),
    );
  }
  clock.advance(BATCH_SECONDS * 1000);
  const done = await until(
    () => openai.batches.retrieve(batch.id),
    (seen) => expect(seen.status).toBe("completed"),
  );
  const lines = await readLines(openai, done.output_file_id);
  const results = lines.map(({ custom_id, response }) => {
    const { usage } = usageSchema.parse(response?.body);
    return {
      vertical: custom_id.slice(0, custom_id.lastIndexOf("-")),
      lane: "batch" as const,
      usage: {
        inputTokens: usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens,
        cachedInputTokens: usage.prompt_tokens_details.cached_tokens,
        cacheWriteTokens: 0,
        outputTokens: 0,
        reasoningTokens: 0,
      },
    };
  });
  return { results, policyOf };
}

test("of 2,000 calls of six verticals in one batch, nine tenths of the cacheable instructions are read from the cache", async () => {
  const { results, policyOf } = await analyse("gpt-5-nano");
  const byVertical = Map.groupBy(results, ({ vertical }) => vertical);
  expect(byVertical.size).toBe(6);
  let cacheable = 0;
  let read = 0;
  for (const [vertical, own] of byVertical) {
    const caching = simulatedCaching(policyOf(vertical));
    expect(caching).toMatchObject({ kind: "cacheable" });
    const use = cacheUseOf(own, caching);
    cacheable += use.cacheable;
    read += use.read;
  }
  expect(cacheable).toBeGreaterThanOrEqual(CALLS * 1024);
  expect(read / cacheable).toBeGreaterThanOrEqual(0.9);
  // Nothing is read before it was written: not by the first call of all.
  expect(results.some(({ usage }) => usage.cachedInputTokens === 0)).toBe(true);
});

test("where the provider sells no cached tokens in batch, the instructions are reported as uncacheable", async () => {
  const policy = postCallPolicySchema.parse({ vertical: "salon", model: "gpt-4.1-nano" });
  const caching = simulatedCaching(policy);
  expect(caching).toEqual({
    kind: "uncacheable",
    reason: "gpt-4.1-nano has no cached price in the batch lane",
  });
  expect(cacheUseOf([], caching)).toEqual({ cacheable: 0, read: 0 });
});
