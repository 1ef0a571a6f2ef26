import { hash } from "./random.ts";

/** Tokens of an answer as the provider bills them, none counted twice. */
export type Tokens = {
  readonly input: number;
  readonly cached: number;
  readonly short: number;
  readonly long: number;
  readonly output: number;
};

/** What tenants write into their prompts, so that a model can do to each request what its sender has coming. */
export type Trouble = "none" | "bad-request" | "bad-row" | "odd-parameter";

/** A request as the provider understands it. */
export type ModelRequest = {
  readonly tenantId: string;
  readonly key: string;
  /** Known to the tenant alone: an answer that holds another one went to the wrong place. */
  readonly secret: string;
  readonly trouble: Trouble;
  readonly model: string;
  readonly endpoint: string;
  readonly inputs: number;
};

export function promptOf(tenantId: string, key: string, secret: string, trouble: Trouble): string {
  return `job ${tenantId}/${key} secret=${secret} trouble=${trouble} \u2028 and then some words`;
}

type Body = {
  readonly model: string;
  readonly input?: string | readonly string[];
  readonly messages?: readonly { readonly content: string }[];
};

export function readRequest(endpoint: string, body: unknown): ModelRequest {
  const { model, input, messages } = body as Body;
  const text = messages?.[0]?.content ?? (typeof input === "string" ? input : input?.[0]) ?? "";
  const found = /job ([a-z0-9-]+)\/(\S+) secret=(\w+) trouble=([a-z-]+)/.exec(text);
  if (!found) throw new Error(`a request of nobody: ${text}`);
  const [, tenantId = "", key = "", secret = "", trouble = ""] = found;
  const inputs = endpoint === "/v1/embeddings" && Array.isArray(input) ? input.length : 0;
  return { tenantId, key, secret, trouble: trouble as Trouble, model, endpoint, inputs };
}

/** What the answer to a request used; `variant` makes another answer to the same request. */
export function tokensOf(request: ModelRequest, variant: string): Tokens {
  const draw = (name: string, most: number) => Math.abs(hash(`${request.secret} ${variant} ${name}`)) % most;
  const claude = request.endpoint === "/v1/messages";
  const embedding = request.endpoint === "/v1/embeddings";
  return {
    input: 20 + draw("input", 4000),
    cached: embedding ? 0 : draw("cached", 3) * draw("read", 1000),
    short: claude ? draw("short", 2) * draw("wrote", 700) : 0,
    long: claude ? draw("long", 2) * draw("kept", 300) : 0,
    output: embedding ? 0 : 1 + draw("output", 900),
  };
}

/** Numbers that only this secret gives: the answer to an embedding. */
export function vectorOf(secret: string): number[] {
  return [hash(secret, 1) / 2 ** 31, hash(secret, 2) / 2 ** 31];
}

export type AnswerKind = "complete" | "refused" | "truncated";

/** The provider's body of an answer to the request. */
export function answerBody(request: ModelRequest, tokens: Tokens, kind: AnswerKind): Record<string, unknown> {
  const text = `re: ${request.secret}\u2028`;
  switch (request.endpoint) {
    case "/v1/embeddings":
      return {
        object: "list",
        model: request.model,
        data: [{ object: "embedding", index: 0, embedding: vectorOf(request.secret) }],
        usage: { prompt_tokens: tokens.input, total_tokens: tokens.input },
      };
    case "/v1/messages":
      return messageBody(request, tokens, text, kind);
    case "/v1/responses":
      return responseBody(request, tokens, text, kind);
    default:
      return chatBody(request, tokens, text, kind);
  }
}

function chatBody(request: ModelRequest, tokens: Tokens, text: string, kind: AnswerKind) {
  const refusal = kind === "refused" ? `no. ${text}` : null;
  const finish = kind === "truncated" ? "length" : "stop";
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    model: request.model,
    choices: [{ index: 0, finish_reason: finish, message: { role: "assistant", content: text, refusal } }],
    usage: {
      prompt_tokens: tokens.input + tokens.cached,
      completion_tokens: tokens.output,
      prompt_tokens_details: { cached_tokens: tokens.cached },
    },
  };
}

function responseBody(request: ModelRequest, tokens: Tokens, text: string, kind: AnswerKind) {
  const content = kind === "refused" ? { type: "refusal", refusal: text } : { type: "output_text", text };
  return {
    id: "resp-1",
    object: "response",
    model: request.model,
    status: kind === "truncated" ? "incomplete" : "completed",
    output: [{ type: "message", role: "assistant", content: [content] }],
    usage: {
      input_tokens: tokens.input + tokens.cached,
      output_tokens: tokens.output,
      input_tokens_details: { cached_tokens: tokens.cached },
    },
  };
}

function messageBody(request: ModelRequest, tokens: Tokens, text: string, kind: AnswerKind) {
  const stop = { complete: "end_turn", refused: "refusal", truncated: "max_tokens" }[kind];
  return {
    id: "msg-1",
    type: "message",
    role: "assistant",
    model: request.model,
    content: [{ type: "text", text }],
    stop_reason: stop,
    usage: {
      input_tokens: tokens.input,
      output_tokens: tokens.output,
      cache_read_input_tokens: tokens.cached,
      cache_creation_input_tokens: tokens.short + tokens.long,
      cache_creation: { ephemeral_5m_input_tokens: tokens.short, ephemeral_1h_input_tokens: tokens.long },
    },
  };
}

/** The same body without the part that says what it used. */
export function withoutUsage({ usage: _usage, ...body }: Record<string, unknown>): Record<string, unknown> {
  return body;
}
