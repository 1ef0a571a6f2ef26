import { z } from "zod";

/** What every file of an index says of itself. */
export const VERSION_FIELDS = { version: 1 } as const;
const version = z.literal(1);

const hash = z.string().regex(/^[0-9a-f]{32}$/);

/** Where a chunk's text lies: bytes of `text.txt` in the same folder, UTF-8. */
const spanSchema = z.object({ offset: z.int().nonnegative(), length: z.int().nonnegative() });

const plannedChunkSchema = z.object({
  hash,
  headings: z.array(z.string()),
  ...spanSchema.shape,
});
export type PlannedChunk = z.infer<typeof plannedChunkSchema>;

/** `plan.json`: the chunks of a version, and which of them had no embedding when it was made. */
export const planSchema = z.object({
  version,
  source: z.string(),
  model: z.string(),
  /** Milliseconds since the epoch: vectors that were not current then do not serve. */
  at: z.number(),
  chunks: z.array(plannedChunkSchema),
  wanted: z.array(hash),
});
export type Plan = z.infer<typeof planSchema>;

/** `chunks.json`: a complete version, as it is searched. */
export const chunksFileSchema = z.object({
  version,
  source: z.string(),
  model: z.string(),
  chunks: z.array(
    plannedChunkSchema.extend({
      /** Little-endian 32-bit floats in base64. */
      vector: z.base64(),
      /** Until when the embedding is current; null: it does not expire. */
      effectiveUntil: z.iso.datetime().nullable(),
    }),
  ),
});
export type ChunksFile = z.infer<typeof chunksFileSchema>;

/** A manifest: which version of each document the index consists of. */
export const indexManifestSchema = z.object({
  version,
  /** The embedding model: queries must be embedded by the same. */
  model: z.string(),
  sequence: z.int().positive(),
  writtenAt: z.iso.datetime(),
  documents: z.array(
    z.object({
      documentId: z.string(),
      source: z.string(),
      revision: z.int().positive(),
      chunks: z.int().nonnegative(),
      key: z.string(),
      textKey: z.string(),
      /** Whether the vector index has its chunks. */
      inVectors: z.boolean().default(false),
    }),
  ),
  /** Documents with a version on its way into the index. */
  waiting: z.int().nonnegative(),
  /** Documents that were refused or could not be embedded, and why. `at`: milliseconds since the epoch. */
  problems: z.array(z.object({ source: z.string(), code: z.string(), message: z.string(), at: z.number() })),
});
export type IndexManifest = z.infer<typeof indexManifestSchema>;
