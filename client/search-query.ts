import type { IndexedChunk, NamedDocument } from "./index-files.ts";

/** What is searched for. */
export type Query = {
  readonly vector: ArrayLike<number>;
  readonly limit: number;
  readonly freshAt: Date | undefined;
};

/** A chunk that a search found, whose text is still to be read. */
export type Candidate = Omit<IndexedChunk, "vector"> & {
  readonly document: Omit<NamedDocument, "chunks">;
  /** Cosine similarity, from -1 to 1. */
  readonly score: number;
};
