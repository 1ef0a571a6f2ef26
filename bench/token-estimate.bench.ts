import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, test } from "vitest";
import { estimateInputTokens } from "../lambdas/domain/token-estimate.ts";
import { chatBody } from "../local/provider-simulator/openai-body-schemas.ts";
import { chatPrompt } from "../local/provider-simulator/openai-prompt.ts";
import { countPromptTokens } from "../local/provider-simulator/prompt.ts";

/** Real conversations beside the project, which are not part of it. */
const CALLS = join(import.meta.dirname, "../../shared/data/calls.jsonl");
const INSTRUCTION = "Summarize this call in three sentences and name the next step.";

type Call = { readonly turns: readonly { readonly speaker: string; readonly text: string }[] };

function transcripts(): string[] {
  const lines = readFileSync(CALLS, "utf8").split("\n").filter(Boolean);
  const calls = lines.map((line) => JSON.parse(line) as Call);
  return calls.map(({ turns }) => turns.map(({ speaker, text }) => `${speaker}: ${text}`).join("\n"));
}

function bodyOf(transcript: string) {
  const messages = [
    { role: "system", content: INSTRUCTION },
    { role: "user", content: transcript },
  ];
  return { model: "gpt-5-nano", messages };
}
type Body = ReturnType<typeof bodyOf>;

/** By OpenAI's own recipe: each message's text and role, three for each message, three for the answer's beginning. */
function exactTokens({ messages }: Body): number {
  const of = ({ role, content }: Body["messages"][number]) => 3 + countTokens(role) + countTokens(content);
  return messages.reduce((sum, message) => sum + of(message), 3);
}

function simulatorTokens(body: Body): number {
  return countPromptTokens(chatPrompt(chatBody.parse(body)));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

function errors(bodies: readonly Body[], estimate: (body: Body) => number, exact: (body: Body) => number) {
  const shares = bodies.map((body) => Math.abs(estimate(body) - exact(body)) / exact(body));
  const sorted = shares.toSorted((a, b) => a - b);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return { mean: percent(mean), p95: percent(sorted[Math.floor(sorted.length * 0.95)] ?? 0) };
}

const byTokenizer = (body: Body) => estimateInputTokens("openai", body);
const byBytes = (body: Body) => Math.ceil(Buffer.byteLength(JSON.stringify(body)) / 4);
const kilobytes = (bodies: readonly Body[]) =>
  bodies.reduce((sum, body) => sum + Buffer.byteLength(JSON.stringify(body)), 0) / 1000;

describe.skipIf(!existsSync(CALLS))("token estimates of real conversations", () => {
  const texts = existsSync(CALLS) ? transcripts() : [];
  const single = texts.map(bodyOf);
  const long = Array.from({ length: 40 }, (_, number) =>
    bodyOf(texts.slice(number * 59, number * 59 + 59).join("\n\n")),
  );
  test("errors", () => {
    const rows = [
      { prompts: "one conversation", estimate: "tokenizer", ...errors(single, byTokenizer, exactTokens) },
      { prompts: "one conversation", estimate: "bytes / 4", ...errors(single, byBytes, exactTokens) },
      { prompts: "59 conversations", estimate: "tokenizer", ...errors(long, byTokenizer, exactTokens) },
      { prompts: "59 conversations", estimate: "bytes / 4", ...errors(long, byBytes, exactTokens) },
      {
        prompts: "one conversation",
        estimate: "tokenizer, against the simulator's four characters a token",
        ...errors(single, byTokenizer, simulatorTokens),
      },
    ];
    // oxlint-disable-next-line no-console
    console.table(rows);
  });

  test.each([
    ["one conversation", single],
    ["59 conversations", long],
  ])("time of %s", async (name, bodies) => {
    const began = performance.now();
    for (const body of bodies) byTokenizer(body);
    const micros = (performance.now() - began) * 1000;
    const size = kilobytes(bodies);
    // oxlint-disable-next-line no-console
    console.log(
      `${name}: ${bodies.length} prompts of ${(size / bodies.length).toFixed(1)} KB, ${(micros / size).toFixed(0)} us per KB, ${(micros / bodies.length / 1000).toFixed(2)} ms each`,
    );
  });
});
