import { z } from "zod";
import { contentHash, type TenantId } from "../ids.ts";
import type { Instant } from "../instant.ts";
import type { PlannedChunk } from "./index-files.ts";

/**
 * The vector index of a tenant under a model: its vectors have the dimensions of that model, and a tenant's app is let in
 * by the part before the dot, which no tenant's id contains. Of 57 characters at most; S3 Vectors allows 63.
 */
export function vectorIndexName(tenantId: TenantId, model: string): string {
  return `${tenantId}.${contentHash(model, 8)}`;
}

/** Of a version's chunk, from 0 in the order of the document. */
export function vectorKey(version: string, number: number): string {
  return `${version}/${number}`;
}

/** The version that a vector is of. */
export function versionOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/"));
}

/** What S3 Vectors keeps beside a vector: all that a hit says but the text, which stays in the gateway's bucket. */
export const vectorMetadataSchema = z.object({
  /** The version's name: a document's versions are told apart by it. */
  version: z.string(),
  /** Milliseconds since the epoch; absent when the embedding does not expire. */
  effectiveUntil: z.number().optional(),
  source: z.string(),
  /** Absent when there are none: lists are not empty there. */
  headings: z.array(z.string()).optional(),
  hash: z.string(),
  /** Where the text lies: `length` bytes from `offset` of the object. */
  textKey: z.string(),
  offset: z.number(),
  length: z.number(),
});
type VectorMetadata = z.infer<typeof vectorMetadataSchema>;

/** What no query filters by. Filterable metadata has 2 KB at most, and sources are as long as their tenants like. */
export const UNFILTERED_METADATA = ["source", "headings", "hash", "textKey", "offset", "length"] as const;

/** One chunk as it is put into a vector index. */
export type VectorEntry = {
  readonly key: string;
  /** Little-endian 32-bit floats. */
  readonly vector: Uint8Array;
  readonly metadata: VectorMetadata;
};

/** A chunk of a complete version, and what is known of its text. */
type EntryChunk = PlannedChunk & { readonly vector: Uint8Array; readonly effectiveUntil: Instant | null };

/** The entries of a version's chunks in their order. `version` is its name, `textKey` the object with its text. */
export function vectorEntries(
  version: { readonly name: string; readonly source: string; readonly textKey: string },
  chunks: readonly EntryChunk[],
): VectorEntry[] {
  const { name, source, textKey } = version;
  return chunks.map(({ hash, headings, offset, length, vector, effectiveUntil }, number) => ({
    key: vectorKey(name, number),
    vector,
    metadata: {
      version: name,
      ...(effectiveUntil !== null && { effectiveUntil }),
      source,
      ...(headings.length > 0 && { headings }),
      hash,
      textKey,
      offset,
      length,
    },
  }));
}
