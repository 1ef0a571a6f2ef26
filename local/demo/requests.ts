import type { JobInput } from "../../client/submit-jobs.ts";

type Request = Extract<JobInput["request"], { provider: string }>;

/** What a team asks of its conversations, by task: the provider's own request body. */
export const REQUESTS = {
  summary: (transcript: string): Request => ({
    provider: "openai",
    endpoint: "/v1/chat/completions",
    body: {
      model: "gpt-5-nano",
      messages: [
        {
          role: "system",
          content: "Summarise the customer call in two sentences: what was asked, and what was agreed.",
        },
        { role: "user", content: transcript },
      ],
      max_completion_tokens: 400,
    },
  }),
  classification: (transcript: string): Request => ({
    provider: "openai",
    endpoint: "/v1/responses",
    body: {
      model: "gpt-4.1-nano",
      instructions:
        "Classify the call. Answer with one label: booking, complaint, question, cancellation, other.",
      input: transcript,
      max_output_tokens: 16,
    },
  }),
  embedding: (transcript: string): Request => ({
    provider: "openai",
    endpoint: "/v1/embeddings",
    body: { model: "text-embedding-3-small", input: transcript, dimensions: 256 },
  }),
  leadScore: (transcript: string): Request => ({
    provider: "anthropic",
    endpoint: "/v1/messages",
    body: {
      model: "claude-haiku-4-5",
      max_tokens: 200,
      system: "Score the customer as a lead from 0 to 100 and give the reason in one sentence.",
      messages: [{ role: "user", content: transcript }],
    },
  }),
  liveReply: (transcript: string): Request => ({
    provider: "anthropic",
    endpoint: "/v1/messages",
    body: {
      model: "claude-haiku-4-5",
      max_tokens: 120,
      system: "Write the agent's next reply, in one sentence.",
      messages: [{ role: "user", content: transcript }],
    },
  }),
  intent: (query: string): Request => ({
    provider: "openai",
    endpoint: "/v1/chat/completions",
    body: {
      model: "gpt-4o-mini",
      messages: [
        { role: "system", content: "Name the banking customer's intent in at most four words." },
        { role: "user", content: query },
      ],
      max_completion_tokens: 24,
    },
  }),
} as const;
