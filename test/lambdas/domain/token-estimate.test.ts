import fc from "fast-check";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import { estimateInputTokens } from "../../../lambdas/domain/token-estimate.ts";

const chat = (...contents: readonly unknown[]) => ({
  model: "gpt-5-nano",
  messages: contents.map((content) => ({ role: "user", content })),
});

const SENTENCE = "The customer asked whether the appointment on Thursday could be moved to the afternoon. ";

describe("the estimate of a prompt's tokens", () => {
  test("is the tokenizer's count and four for each message", () => {
    const text = SENTENCE.repeat(3).trim();
    expect(estimateInputTokens("openai", chat(text))).toBe(countTokens(text) + 4 + 3);
  });

  test("counts what the model reads and nothing else", () => {
    const plain = estimateInputTokens("openai", chat("hello"));
    const user = "somebody".repeat(50);
    expect(estimateInputTokens("openai", { ...chat("hello"), user, metadata: { user } })).toBe(plain);
    const tools = [{ type: "function", function: { name: "find", description: SENTENCE } }];
    expect(estimateInputTokens("openai", { ...chat("hello"), tools })).toBeGreaterThan(
      plain + countTokens(SENTENCE),
    );
  });

  test("takes texts given as tokens at their number, and images by the piece, not by their bytes", () => {
    expect(estimateInputTokens("openai", { input: [[1, 2, 3], [4]] })).toBe(4);
    const image = { type: "image_url", image_url: { url: `data:image/png;base64,${"A".repeat(500_000)}` } };
    const tokens = estimateInputTokens("openai", chat([image]));
    expect(tokens).toBeGreaterThan(1000);
    expect(tokens).toBeLessThan(3000);
  });

  test("takes what looks like a control token for the text it is", () => {
    expect(estimateInputTokens("openai", chat("<|endoftext|>"))).toBeGreaterThan(8);
  });

  test("of a long prompt is within 5% of the count, wherever in it the words are", () => {
    const numbered = Array.from({ length: 5_000 }, (_, number) => `${number}: ${SENTENCE}`).join("\n");
    const counted = countTokens(numbered);
    const estimated = estimateInputTokens("openai", chat(numbered));
    expect(Math.abs(estimated - counted) / counted).toBeLessThan(0.05);
  });

  test("is quick for the worst that a megabyte can hold", () => {
    const began = performance.now();
    for (const unit of ["x", "中", "Zq", "\u{1f600}", " "])
      estimateInputTokens("openai", chat(unit.repeat(Math.floor(1_000_000 / unit.length))));
    // Whole, each of these takes minutes.
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("is a whole number from 1 on for any body, the same every time, and more for Claude", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" })), (texts) => {
        const body = chat(...texts);
        const tokens = estimateInputTokens("openai", body);
        expect(Number.isSafeInteger(tokens) && tokens >= 1).toBe(true);
        expect(estimateInputTokens("openai", body)).toBe(tokens);
        expect(estimateInputTokens("anthropic", body)).toBeGreaterThan(tokens);
      }),
    );
  });
});
