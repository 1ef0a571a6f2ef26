import type { S3Client } from "@aws-sdk/client-s3";
import { type TenantId, tenantIdSchema } from "../lambdas/domain/ids.ts";
import type { IndexManifest } from "../lambdas/domain/re-index/index-files.ts";
import { searchFiles } from "./exact-search.ts";
import { IndexFiles, type IndexOptions, MissingIndexFileError } from "./index-files.ts";
import type { Candidate, Query } from "./search-query.ts";
import { assertVectors, MOST_HITS, searchVectors, type VectorsOptions } from "./vector-search.ts";

export type { IndexManifest } from "../lambdas/domain/re-index/index-files.ts";
export type { IndexOptions } from "./index-files.ts";
export type { VectorsOptions } from "./vector-search.ts";

export type SearchOptions = {
  /** The query, embedded by the index's `model`. */
  readonly vector: ArrayLike<number>;
  /** Hits at most; 5 by default. In S3 Vectors 100 can be found. */
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
 * A tenant's knowledge base: what a document's change replaces appears at once, and no search ever sees a part of it.
 * Searched exactly and on this side, by files that are read once and kept in memory, 6 KB for each chunk of 1,536
 * dimensions; or, with `vectors`, in S3 Vectors, and by files only what was never put there.
 */
export class KnowledgeIndex {
  readonly #files: IndexFiles;
  readonly #tenantId: TenantId;
  readonly #vectors: VectorsOptions | undefined;

  constructor(options: IndexOptions & { readonly s3: S3Client; readonly vectors?: VectorsOptions }) {
    this.#files = new IndexFiles(options);
    this.#tenantId = tenantIdSchema.parse(options.tenantId);
    this.#vectors = options.vectors;
    if (options.vectors) assertVectors(options.vectors);
  }

  /** What the index consists of now; undefined while nothing was ever indexed. */
  async manifest(): Promise<IndexManifest | undefined> {
    return this.#files.manifest();
  }

  /**
   * The chunks nearest to a query; undefined while nothing was ever indexed. Throws a RangeError when the query's vector
   * has not as many dimensions as the index: it was embedded by another model. S3 Vectors says so by a
   * ValidationException.
   */
  async search({ vector, limit = 5, freshAt }: SearchOptions): Promise<SearchResult | undefined> {
    if (this.#vectors && limit > MOST_HITS)
      throw new RangeError(`S3 Vectors finds ${MOST_HITS} hits at most, not ${limit}`);
    for (let number = 1; ; number += 1) {
      try {
        const manifest = await this.#files.manifest();
        return manifest && (await this.#searchIn(manifest, { vector, limit, freshAt }));
      } catch (error) {
        if (!(error instanceof MissingIndexFileError) || number === TRIES) throw error;
      }
    }
  }

  async #searchIn(manifest: IndexManifest, query: Query): Promise<SearchResult> {
    const { sequence, model } = manifest;
    const hits = (await this.#candidates(manifest, query)).map((candidate) => this.#hit(candidate));
    return { sequence, model, hits: await Promise.all(hits) };
  }

  async #candidates(manifest: IndexManifest, query: Query): Promise<Candidate[]> {
    const { documents, model } = manifest;
    if (!this.#vectors) return searchFiles(this.#files, documents, query);
    const index = { tenantId: this.#tenantId, model };
    const found = await searchVectors(
      this.#vectors,
      index,
      documents.filter(({ inVectors }) => inVectors),
      query,
    );
    if (!found) return searchFiles(this.#files, documents, query);
    await this.#assertStanding(manifest);
    const inFiles = documents.filter(({ inVectors }) => !inVectors);
    const others = await searchFiles(this.#files, inFiles, query);
    return [...found, ...others].toSorted((a, b) => b.score - a.score).slice(0, query.limit);
  }

  /**
   * Vectors are deleted one by one, once a newer manifest names their version no more: while all that was searched is named
   * still, all of it was there. Throws MissingIndexFileError when it is not.
   */
  async #assertStanding({ sequence, documents }: IndexManifest): Promise<void> {
    const newest = await this.#files.manifest();
    if (newest?.sequence === sequence) return;
    const named = new Set(newest?.documents.map(({ key }) => key));
    const gone = documents.find(({ key }) => !named.has(key));
    if (gone) throw new MissingIndexFileError(`${gone.key} has been replaced`);
  }

  async #hit({ document, number, offset, length, ...chunk }: Candidate): Promise<SearchHit> {
    const { documentId, revision, source, textKey } = document;
    const { headings, score, hash, effectiveUntil } = chunk;
    const pointer = { bucket: this.#files.bucket, key: textKey, offset, length };
    const text = await this.#files.text(pointer);
    const id = `${documentId}/${revision}/${number}`;
    return { id, source, headings, score, text, pointer, hash, effectiveUntil };
  }
}
