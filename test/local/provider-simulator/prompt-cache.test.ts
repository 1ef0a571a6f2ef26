import type Anthropic from "@anthropic-ai/sdk";
import { expect, test } from "vitest";
import { startBench } from "./simulator-fixture.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** With the role line and the line end this is a prefix of exactly `tokens` tokens. */
function systemText(tokens: number): string {
  return "s".repeat(tokens * 4 - "system\n\n".length);
}

test("OpenAI caches prompts from 1,024 tokens on, in blocks of 128, for ten minutes", async () => {
  const clock = new VirtualClock();
  const { openai } = await startBench({ clock });
  const ask = async (system: number, question: string) => {
    const chat = await openai.chat.completions.create({
      model: "gpt-5-mini",
      messages: [
        { role: "system", content: systemText(system) },
        { role: "user", content: question },
      ],
    });
    return chat.usage?.prompt_tokens_details?.cached_tokens;
  };
  expect(await ask(1000, "short")).toBe(0);
  expect(await ask(1000, "short")).toBe(0);
  expect(await ask(1300, "first")).toBe(0);
  // 1,300 shared tokens hold ten whole blocks.
  expect(await ask(1300, "second")).toBe(1280);
  clock.advance(10 * 60_000);
  expect(await ask(1300, "third")).toBe(0);
});

test("accounts and models do not share a cache", async () => {
  const { openai } = await startBench();
  const ask = async (client: typeof openai, model: string) => {
    const response = await client.responses.create({
      model,
      instructions: systemText(1100),
      input: "Hello.",
    });
    return response.usage?.input_tokens_details.cached_tokens;
  };
  expect(await ask(openai, "gpt-5-mini")).toBe(0);
  expect(await ask(openai, "gpt-5-nano")).toBe(0);
  expect(await ask(openai.withOptions({ apiKey: "sk-other" }), "gpt-5-mini")).toBe(0);
  expect(await ask(openai, "gpt-5-mini")).toBe(1024);
});

test("gpt-6 bills what it writes to the cache, unless the mode is explicit without a breakpoint", async () => {
  const { openai } = await startBench();
  const ask = async (mode: "implicit" | "explicit") => {
    const response = await openai.responses.create({
      model: "gpt-6-luna",
      instructions: systemText(1100),
      input: "Hello.",
      prompt_cache_options: { mode },
    });
    const details = response.usage?.input_tokens_details;
    return [details?.cached_tokens, details?.cache_write_tokens];
  };
  expect(await ask("explicit")).toEqual([0, 0]);
  expect(await ask("implicit")).toEqual([0, 1024]);
  expect(await ask("implicit")).toEqual([1024, 0]);
});

test("Anthropic writes at each breakpoint, reads it back, and keeps it for its lifetime", async () => {
  const clock = new VirtualClock();
  const { anthropic } = await startBench({ clock });
  const ask = async (model: string, ttl?: "5m" | "1h") => {
    const control: Anthropic.Messages.CacheControlEphemeral = { type: "ephemeral", ...(ttl ? { ttl } : {}) };
    const message = await anthropic.messages.create({
      model,
      max_tokens: 10,
      system: [{ type: "text", text: systemText(1500), cache_control: control }],
      messages: [{ role: "user", content: "Hello." }],
    });
    const { input_tokens, cache_read_input_tokens, cache_creation } = message.usage;
    const written = [cache_creation?.ephemeral_5m_input_tokens, cache_creation?.ephemeral_1h_input_tokens];
    return [input_tokens, cache_read_input_tokens, ...written];
  };
  // The question is "user\nHello.\n": 12 characters, 3 tokens.
  expect(await ask("claude-sonnet-5")).toEqual([3, 0, 1500, 0]);
  expect(await ask("claude-sonnet-5")).toEqual([3, 1500, 0, 0]);
  clock.advance(5 * 60_000);
  expect(await ask("claude-sonnet-5", "1h")).toEqual([3, 0, 0, 1500]);
  clock.advance(59 * 60_000);
  expect(await ask("claude-sonnet-5", "1h")).toEqual([3, 1500, 0, 0]);
  // 1,500 tokens are below Sonnet 4.6's minimum of 2,048.
  expect(await ask("claude-sonnet-4-6")).toEqual([1503, 0, 0, 0]);
});

function cached(text: string): Anthropic.Messages.TextBlockParam {
  return { type: "text", text, cache_control: { type: "ephemeral" } };
}

test("a longer prefix is read up to the known breakpoint and written from there", async () => {
  const { anthropic } = await startBench();
  const ask = async (blocks: Anthropic.Messages.TextBlockParam[]) => {
    const { usage } = await anthropic.messages.create({
      model: "claude-sonnet-5-5",
      max_tokens: 10,
      system: blocks,
      messages: [{ role: "user", content: "Hello." }],
    });
    return [usage.cache_read_input_tokens, usage.cache_creation_input_tokens];
  };
  expect(await ask([cached(systemText(2000))])).toEqual([0, 2000]);
  expect(await ask([cached(systemText(2000)), cached(systemText(500))])).toEqual([2000, 500]);
  expect(await ask([cached(systemText(2000)), cached(systemText(500))])).toEqual([2500, 0]);
});

test("more than four breakpoints are refused", async () => {
  const { anthropic } = await startBench();
  const block = { type: "text" as const, text: "Hi.", cache_control: { type: "ephemeral" as const } };
  const call = anthropic.messages.create({
    model: "claude-sonnet-5",
    max_tokens: 10,
    messages: [{ role: "user", content: [block, block, block, block, block] }],
  });
  await expect(call).rejects.toMatchObject({ status: 400 });
});
