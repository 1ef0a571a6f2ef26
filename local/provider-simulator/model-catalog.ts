export type Provider = "openai" | "anthropic";

/** What the simulator must know of a model to judge and answer a request; prices are in the price list. */
export interface ModelFacts {
  readonly id: string;
  readonly provider: Provider;
  readonly kind: "text" | "embedding";
  /** The dated name that answers carry where the provider resolves an alias, as OpenAI does. */
  readonly snapshot: string;
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  /** OpenAI reasoning models: no sampling parameters, `max_completion_tokens` only, hidden output tokens. */
  readonly reasoning: { readonly defaultEffort: ReasoningEffort } | null;
  readonly flex: boolean;
  /** Prompts (OpenAI) or prefixes (Anthropic) below this many tokens are never cached. */
  readonly minimumCacheTokens: number;
  /** gpt-5.6 and later bill cache writes and take explicit breakpoints. */
  readonly billsCacheWrites: boolean;
  /** Length of an embedding when the request does not ask for fewer. */
  readonly dimensions: number;
}

type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh";

const OPENAI_TEXT = {
  provider: "openai",
  kind: "text",
  reasoning: null,
  flex: false,
  minimumCacheTokens: 1024,
  billsCacheWrites: false,
  dimensions: 0,
} as const;

function reasoningModel(
  id: string,
  snapshot: string,
  defaultEffort: ReasoningEffort,
  billsCacheWrites = false,
): ModelFacts {
  const limits = { contextTokens: 400_000, maxOutputTokens: 128_000 };
  return {
    ...OPENAI_TEXT,
    ...limits,
    id,
    snapshot,
    reasoning: { defaultEffort },
    flex: true,
    billsCacheWrites,
  };
}

function chatModel(id: string, snapshot: string, contextTokens: number, maxOutputTokens: number): ModelFacts {
  return { ...OPENAI_TEXT, id, snapshot, contextTokens, maxOutputTokens };
}

function embeddingModel(id: string, dimensions: number): ModelFacts {
  const limits = { contextTokens: 8192, maxOutputTokens: 0 };
  return { ...OPENAI_TEXT, ...limits, id, snapshot: id, kind: "embedding", dimensions };
}

function claude(
  id: string,
  snapshot: string,
  contextTokens: number,
  maxOutputTokens: number,
  minimumCacheTokens: number,
): ModelFacts {
  const limits = { contextTokens, maxOutputTokens, minimumCacheTokens };
  return { ...OPENAI_TEXT, ...limits, provider: "anthropic", id, snapshot, billsCacheWrites: true };
}

const MODELS: readonly ModelFacts[] = [
  reasoningModel("gpt-6-sol", "gpt-6-sol", "none", true),
  reasoningModel("gpt-6-luna", "gpt-6-luna", "none", true),
  reasoningModel("gpt-5.5", "gpt-5.5", "none"),
  reasoningModel("gpt-5.4-mini", "gpt-5.4-mini", "none"),
  reasoningModel("gpt-5.4-nano", "gpt-5.4-nano", "none"),
  reasoningModel("gpt-5.1", "gpt-5.1-2025-11-13", "none"),
  reasoningModel("gpt-5", "gpt-5-2025-08-07", "medium"),
  reasoningModel("gpt-5-mini", "gpt-5-mini-2025-08-07", "medium"),
  reasoningModel("gpt-5-nano", "gpt-5-nano-2025-08-07", "medium"),
  chatModel("gpt-4.1", "gpt-4.1-2025-04-14", 1_047_576, 32_768),
  chatModel("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", 1_047_576, 32_768),
  chatModel("gpt-4.1-nano", "gpt-4.1-nano-2025-04-14", 1_047_576, 32_768),
  chatModel("gpt-4o", "gpt-4o-2024-08-06", 128_000, 16_384),
  chatModel("gpt-4o-mini", "gpt-4o-mini-2024-07-18", 128_000, 16_384),
  embeddingModel("text-embedding-3-large", 3072),
  embeddingModel("text-embedding-3-small", 1536),
  claude("claude-opus-5-5", "claude-opus-5-5", 1_000_000, 128_000, 4096),
  claude("claude-sonnet-5-5", "claude-sonnet-5-5", 1_000_000, 128_000, 1024),
  claude("claude-sonnet-5", "claude-sonnet-5", 1_000_000, 128_000, 1024),
  claude("claude-sonnet-4-6", "claude-sonnet-4-6", 1_000_000, 64_000, 2048),
  claude("claude-haiku-4-5", "claude-haiku-4-5-20251001", 200_000, 64_000, 4096),
];

const BY_NAME = new Map(
  MODELS.flatMap((model) => [[model.id, model] as const, [model.snapshot, model] as const]),
);

/** The model of that name or dated snapshot at that provider, if it has one. */
export function findModel(provider: Provider, name: string): ModelFacts | undefined {
  const model = BY_NAME.get(name);
  return model?.provider === provider ? model : undefined;
}

/** Every model id of the catalog, for the tests that hold the price list to it. */
export function modelIds(): string[] {
  return MODELS.map((model) => model.id);
}
