import type { NamedDocument } from "./index-files.ts";

/** What is searched for. */
export type Query = {
  readonly vector: ArrayLike<number>;
  readonly limit: number;
  readonly freshAt: Date | undefined;
};

/** A chunk that a search found, whose text is still to be read. */
export type Candidate = {
  readonly document: Omit<NamedDocument, "chunks">;
  /** From 0 in the order of the document. */
  readonly number: number;
  readonly headings: readonly string[];
  readonly hash: string;
  readonly effectiveUntil: string | null;
  /** Where its text lies in the document's `textKey`. */
  readonly offset: number;
  readonly length: number;
  /** Cosine similarity, from -1 to 1. */
  readonly score: number;
};
