import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

/** How a provider account is reached. */
export type ProviderAccess = {
  /** The key, or how to get it: asked for at every call, so that a rotated key is taken up. */
  readonly apiKey: string | (() => Promise<string>);
  /** For OpenAI it ends in `/v1`, for Anthropic it does not; without it, the provider's own address. */
  readonly baseUrl?: string | undefined;
};

/**
 * Nothing is retried unless a call says so: creates and direct calls may have run. The SDKs would read their environment
 * variables for whatever is not given; everything is. Debug logs hold whole requests, so the level is fixed too.
 */
const COMMON = { maxRetries: 0, logLevel: "warn" } as const;

export function openAiClient(access: ProviderAccess): OpenAI {
  return new OpenAI({
    ...COMMON,
    apiKey: access.apiKey,
    baseURL: access.baseUrl ?? null,
    organization: null,
    project: null,
    webhookSecret: null,
  });
}

export function anthropicClient(access: ProviderAccess): Anthropic {
  return new Anthropic({
    ...COMMON,
    apiKey: access.apiKey,
    baseURL: access.baseUrl ?? null,
    webhookKey: null,
  });
}

/** Options of calls that may be repeated. The time is until the answer begins, in milliseconds. */
export const REPEATABLE_CALL = { maxRetries: 3, timeout: 60_000 } as const;
/** Options of a deletion: a provider that does not answer must not use up the time of the function that closes a batch. */
export const DELETION_CALL = { maxRetries: 1, timeout: 10_000 } as const;
/** Options of a call that is made once, sends little and is answered quickly. */
export const SINGLE_CALL = { maxRetries: 0, timeout: 60_000 } as const;
/**
 * Options of a call that is made once and sends a batch's whole input as a stream. Node's fetch keeps all that it sent
 * in memory, for a redirect that it could not follow anyway (nodejs/undici issue 4058), unless a request has no window
 * and takes a redirect for an error.
 */
export const BULK_CALL = {
  maxRetries: 0,
  timeout: 10 * 60_000,
  fetchOptions: { redirect: "error", window: null },
} as const;
