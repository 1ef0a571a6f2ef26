import type { S3Client } from "@aws-sdk/client-s3";
import type { IndexManifest } from "../lambdas/domain/re-index/index-files.ts";
import { dotProduct, IndexFiles, type IndexOptions, MissingIndexFileError } from "./index-files.ts";

export type { IndexManifest } from "../lambdas/domain/re-index/index-files.ts";
export type { IndexOptions } from "./index-files.ts";

export type SearchOptions = {
  /** The query, embedded by the index's `model`. */
  readonly vector: ArrayLike<number>;
  /** Hits at most; 5 by default. */
  readonly limit?: number;
  /** Leaves out what is no longer current at this time. */
  readonly freshAt?: Date;
};

export type SearchHit = {
  /** `<document>/<revision>/<number>`: of this chunk of this version, and of no other. */
  readonly id: string;
  /** The document's key below `kb/tenant=<id>/`. */
  readonly source: string;
  /** The headings that the text stands under, the outermost first. */
  readonly headings: readonly string[];
  /** Cosine similarity, from -1 to 1. */
  readonly score: number;
  readonly text: string;
  /** Where the text lies: `length` bytes of UTF-8 from `offset`. */
  readonly pointer: {
    readonly bucket: string;
    readonly key: string;
    readonly offset: number;
    readonly length: number;
  };
  /** Of the headings and the text. */
  readonly hash: string;
  /** Until when the embedding is current; null: it does not expire. See `isFresh`. */
  readonly effectiveUntil: string | null;
};

export type SearchResult = {
  /** Of the manifest that was searched: each one is a state that the index was in as a whole. */
  readonly sequence: number;
  readonly model: string;
  /** The best first. */
  readonly hits: readonly SearchHit[];
};

/** Times that a search begins anew when what it was reading was replaced. */
const TRIES = 5;

/**
 * A tenant's knowledge base, searched exactly and on this side: what a document's change replaces appears at once, and no
 * search ever sees a part of it. Files are read once and kept in memory, 6 KB for each chunk of 1,536 dimensions.
 */
export class KnowledgeIndex {
  readonly #files: IndexFiles;

  constructor(options: IndexOptions & { readonly s3: S3Client }) {
    this.#files = new IndexFiles(options);
  }

  /** What the index consists of now; undefined while nothing was ever indexed. */
  async manifest(): Promise<IndexManifest | undefined> {
    return this.#files.manifest();
  }

  /**
   * The chunks nearest to a query; undefined while nothing was ever indexed. Throws a RangeError when the query's vector
   * has not as many dimensions as the index: it was embedded by another model.
   */
  async search(options: SearchOptions): Promise<SearchResult | undefined> {
    for (let number = 1; ; number += 1) {
      try {
        const manifest = await this.#files.manifest();
        return manifest && (await this.#searchIn(manifest, options));
      } catch (error) {
        if (!(error instanceof MissingIndexFileError) || number === TRIES) throw error;
      }
    }
  }

  async #searchIn(
    manifest: IndexManifest,
    { vector, limit = 5, freshAt }: SearchOptions,
  ): Promise<SearchResult> {
    const query = normalized(vector);
    const documents = await this.#files.documents(manifest);
    const found = documents.flatMap((document) =>
      document.chunks
        .filter(({ effectiveUntil }) => isFresh(effectiveUntil, freshAt))
        .map((chunk) => {
          if (chunk.vector.length !== query.length)
            throw new RangeError(
              `the index has ${chunk.vector.length} dimensions (${manifest.model}), the query ${query.length}`,
            );
          return { document, chunk, score: dotProduct(chunk.vector, query) };
        }),
    );
    // Equal scores in the order of the documents, so that the same index always answers the same.
    const best = found.toSorted((a, b) => b.score - a.score).slice(0, limit);
    const hits = best.map(async ({ document, chunk, score }): Promise<SearchHit> => {
      const { number, headings, hash, effectiveUntil, offset, length } = chunk;
      const pointer = { bucket: this.#files.bucket, key: document.textKey, offset, length };
      const text = await this.#files.text(pointer);
      const { documentId, revision, source } = document;
      const id = `${documentId}/${revision}/${number}`;
      return { id, source, headings, score, text, pointer, hash, effectiveUntil };
    });
    const { sequence, model } = manifest;
    return { sequence, model, hits: await Promise.all(hits) };
  }
}

function isFresh(effectiveUntil: string | null, at: Date | undefined): boolean {
  return at === undefined || effectiveUntil === null || at.getTime() < Date.parse(effectiveUntil);
}

function normalized(vector: ArrayLike<number>): Float32Array {
  const copy = Float32Array.from(vector);
  const norm = Math.sqrt(dotProduct(copy, copy));
  return norm === 0 ? copy : copy.map((value) => value / norm);
}
