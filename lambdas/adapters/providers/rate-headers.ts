import type { RateAllowance } from "../../ports.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What OpenAI's headers say is left of the requests of a model; undefined where they say nothing. */
export function openAiAllowance(headers: Headers): RateAllowance | undefined {
  const requests = count(headers.get("x-ratelimit-remaining-requests"));
  const resetMs = durationMs(headers.get("x-ratelimit-reset-requests"));
  return allowance(requests, resetMs, count(headers.get("x-ratelimit-limit-requests")));
}

/** What Anthropic's headers say: the moment of the reset counts from the answer's own date, no clock of ours. */
export function anthropicAllowance(headers: Headers): RateAllowance | undefined {
  const requests = count(headers.get("anthropic-ratelimit-requests-remaining"));
  const reset = Date.parse(headers.get("anthropic-ratelimit-requests-reset") ?? "");
  const resetMs = Math.max(0, reset - Date.parse(headers.get("date") ?? ""));
  return allowance(
    requests,
    Number.isNaN(resetMs) ? undefined : resetMs,
    count(headers.get("anthropic-ratelimit-requests-limit")),
  );
}

function allowance(
  requests: number | undefined,
  resetMs: number | undefined,
  limit: number | undefined,
): RateAllowance | undefined {
  if (requests === undefined || resetMs === undefined) return undefined;
  return { requests, resetMs, ...(limit !== undefined && { limit }) };
}

function count(text: string | null): number | undefined {
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** OpenAI's durations: `20ms`, `1.5s`, `6m0s`, `1h30m0s`. */
function durationMs(text: string | null): number | undefined {
  if (text === null || !/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, value, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g))
    sum += Number(value) * (UNIT_MS[unit ?? ""] ?? 0);
  return sum;
}
