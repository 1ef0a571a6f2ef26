import type { z } from "zod";
import type { TenantId } from "../ids.ts";
import type { jobMessageSchema } from "../job-message.ts";
import type { ResultMessage } from "../result-message.ts";
import { WORKLOAD_AGENTS } from "../workloads.ts";
import { ANALYSIS_FORMAT } from "./analysis.ts";
import { instructionsFor } from "./instructions.ts";
import { effortOf, type PostCallPolicy } from "./post-call-policy.ts";
import { callName, type Transcript, transcriptHash, transcriptText } from "./transcript.ts";
import { type TranscriptSource, transcriptSourceSchema } from "./transcript-source.ts";

export const POST_CALL_TASK = "post_call_summary";

/** An analysis has some 150 tokens; a model that thinks at length first has room to. */
const MAX_OUTPUT_TOKENS = 2000;

/** Characters of the longest `prompt_cache_key` that OpenAI takes. */
const LONGEST_CACHE_KEY = 64;

/** A job as an app writes it: the job message without its version. */
export type AnalysisJob = Omit<z.input<typeof jobMessageSchema>, "version">;

/** `alone`: the second and last try, called by itself and at once. */
export type Try = "first" | "alone";

/** Each begins in its own way, so that no call id can make a first key look like a second. */
const KEY_PREFIXES: Readonly<Record<Try, string>> = { first: "post-call/", alone: "post-call-alone/" };

/** The job that asks for a call's analysis. The same call has the same key: however often it is dropped, it runs once. */
export function analysisJob(
  tenantId: TenantId,
  policy: PostCallPolicy,
  call: { readonly transcript: Transcript; readonly source: TranscriptSource },
  which: Try = "first",
): AnalysisJob {
  const { transcript, source } = call;
  return {
    tenantId,
    idempotencyKey: `${KEY_PREFIXES[which]}${callName(transcript)}`,
    taskType: POST_CALL_TASK,
    vertical: policy.vertical,
    agentId: WORKLOAD_AGENTS.postCall,
    tier: which === "first" ? "normal" : "high",
    request: {
      provider: "openai",
      endpoint: "/v1/chat/completions",
      body: analysisBody(policy, transcript),
    },
    metadata: {
      ...(transcript.call_id !== undefined && { callId: transcript.call_id }),
      source: { ...source, hash: transcriptHash(transcript) },
    },
  };
}

/** The provider's request for a call: schema and instructions, which calls share, before the call itself. */
export function analysisBody(policy: PostCallPolicy, transcript: Transcript): Record<string, unknown> {
  const effort = effortOf(policy);
  return {
    model: policy.model,
    messages: [
      { role: "system", content: instructionsFor(policy.vertical) },
      { role: "user", content: `<transcript>\n${transcriptText(transcript)}\n</transcript>` },
    ],
    response_format: ANALYSIS_FORMAT,
    max_completion_tokens: MAX_OUTPUT_TOKENS,
    ...(effort !== undefined && { reasoning_effort: effort }),
    // Prompts that begin alike are sent to the same cache; one of a vertical is no part of another's traffic.
    prompt_cache_key: `post-call/${policy.vertical}`.slice(0, LONGEST_CACHE_KEY),
  };
}

/** Which try a result is of, and where its transcript lies; undefined for a result of somebody else's job. */
export function tryOf(
  result: ResultMessage,
): { readonly which: Try; readonly source: TranscriptSource & { readonly hash: string } } | undefined {
  if (result.agentId !== WORKLOAD_AGENTS.postCall || result.taskType !== POST_CALL_TASK) return undefined;
  const key = result.idempotencyKey ?? "";
  const which = (["first", "alone"] as const).find((name) => key.startsWith(KEY_PREFIXES[name]));
  const source = transcriptSourceSchema.safeParse(result.metadata["source"]);
  return which && source.success ? { which, source: source.data } : undefined;
}

/** The key by which the tenant knows the call, whichever try the result is of. */
export function firstKeyOf(idempotencyKey: string): string {
  return idempotencyKey.startsWith(KEY_PREFIXES.alone)
    ? `${KEY_PREFIXES.first}${idempotencyKey.slice(KEY_PREFIXES.alone.length)}`
    : idempotencyKey;
}
