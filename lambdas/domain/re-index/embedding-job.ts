import { z } from "zod";
import { chunks } from "../chunks.ts";
import { contentHash, type TenantId } from "../ids.ts";
import { WORKLOAD_AGENTS } from "../workloads.ts";
import type { ReIndexPolicy } from "./re-index-policy.ts";

/** Texts of one job: their answer fits into one message, and their hashes into a job's metadata. */
const INPUTS_PER_JOB = 32;

/** What a job says of itself, and its result says again. */
export const embeddingMetadataSchema = z.object({
  documentId: z.string(),
  revision: z.int().positive(),
  /** As it was asked for: a result names what the provider made of it. */
  model: z.string(),
  /** Of the inputs in their order. */
  hashes: z.array(z.string()).min(1).max(INPUTS_PER_JOB),
});

type Wanted = { readonly hash: string; readonly text: string };

export type DocumentVersion = {
  readonly tenantId: TenantId;
  readonly documentId: string;
  readonly revision: number;
  readonly model: string;
};

/** The jobs that embed what a version wants: the same ones for the same version, however often they are made. */
export function embeddingJobs(
  { tenantId, documentId, revision, model }: DocumentVersion,
  wanted: readonly Wanted[],
  policy: ReIndexPolicy,
) {
  return [...chunks(wanted, INPUTS_PER_JOB)].map((part) => {
    const hashes = part.map(({ hash }) => hash);
    return {
      tenantId,
      idempotencyKey: `re-index/${documentId}/${revision}/${contentHash(hashes.join("\n"), 32)}`,
      taskType: "kb_embedding",
      vertical: "knowledge",
      agentId: WORKLOAD_AGENTS.reIndex,
      tier: "low" as const,
      request: {
        provider: "openai" as const,
        endpoint: "/v1/embeddings" as const,
        body: { model, input: part.map(({ text }) => text), encoding_format: "base64" },
      },
      freshness: { effectiveForSeconds: policy.effectiveForDays * 86_400 },
      metadata: { documentId, revision, model, hashes },
    };
  });
}

const responseSchema = z.object({
  data: z.array(
    z.object({ index: z.int().nonnegative(), embedding: z.union([z.base64(), z.array(z.number())]) }),
  ),
});

/** The vectors of an answer in the order of the inputs; undefined when it is not one for so many. */
export function vectorsOf(response: unknown, inputs: number): Uint8Array[] | undefined {
  const parsed = responseSchema.safeParse(response);
  if (!parsed.success) return undefined;
  const byIndex = new Map(parsed.data.data.map(({ index, embedding }) => [index, bytesOf(embedding)]));
  const vectors = Array.from({ length: inputs }, (_, index) => byIndex.get(index));
  const lengths = new Set(vectors.map((vector) => vector?.byteLength ?? 0));
  const [length = 0] = lengths;
  return lengths.size === 1 && length > 0 && length % 4 === 0
    ? vectors.filter((vector) => vector !== undefined)
    : undefined;
}

function bytesOf(embedding: string | readonly number[]): Uint8Array {
  if (typeof embedding === "string") return Buffer.from(embedding, "base64");
  const bytes = Buffer.alloc(embedding.length * 4);
  for (const [index, value] of embedding.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes;
}
