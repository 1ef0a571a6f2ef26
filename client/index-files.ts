import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, type S3Client } from "@aws-sdk/client-s3";
import { tenantIdSchema } from "../lambdas/domain/ids.ts";
import { manifestPrefix } from "../lambdas/domain/re-index/document-source.ts";
import {
  chunksFileSchema,
  type IndexManifest,
  indexManifestSchema,
} from "../lambdas/domain/re-index/index-files.ts";
import { floatsOf } from "../lambdas/domain/re-index/vector-floats.ts";
import { inParallel } from "./in-parallel.ts";
import { normalized } from "./vector-math.ts";

export type IndexOptions = {
  readonly s3: S3Client;
  /** The gateway bucket. */
  readonly bucket: string;
  readonly tenantId: string;
};

/** A file that a manifest names is there no longer: a later manifest has replaced it. */
export class MissingIndexFileError extends Error {
  override readonly name = "MissingIndexFileError";
}

export type IndexedChunk = {
  /** From 0 in the order of the document. */
  readonly number: number;
  readonly headings: readonly string[];
  readonly hash: string;
  readonly effectiveUntil: string | null;
  /** Where its text lies in the document's `textKey`. */
  readonly offset: number;
  readonly length: number;
  /** Of length 1. */
  readonly vector: Float32Array;
};

/** A document as a manifest names it. */
export type NamedDocument = IndexManifest["documents"][number];

/** Documents that are fetched at the same time. */
const FETCHES = 16;

/** The files of a tenant's index. Those of documents never change: each is read once and kept while a manifest names it. */
export class IndexFiles {
  readonly bucket: string;
  readonly #s3: S3Client;
  readonly #prefix: string;
  #loaded: ReadonlyMap<string, readonly IndexedChunk[]> = new Map();
  #manifest: { readonly key: string; readonly manifest: IndexManifest } | undefined;

  constructor({ s3, bucket, tenantId }: IndexOptions) {
    this.bucket = bucket;
    this.#s3 = s3;
    this.#prefix = manifestPrefix(tenantIdSchema.parse(tenantId));
  }

  /** The newest one: the first of the listing. */
  async manifest(): Promise<IndexManifest | undefined> {
    const { Contents: [first] = [] } = await this.#s3.send(
      new ListObjectsV2Command({ Bucket: this.bucket, Prefix: this.#prefix, MaxKeys: 1 }),
    );
    const key = first?.Key;
    if (key === undefined) return undefined;
    if (this.#manifest?.key !== key) {
      const manifest = indexManifestSchema.parse(JSON.parse(await this.#text(key)));
      this.#manifest = { key, manifest };
    }
    return this.#manifest.manifest;
  }

  /** Documents of a manifest with their chunks. Throws MissingIndexFileError when one has been replaced. */
  async documents(
    documents: readonly NamedDocument[],
  ): Promise<(Omit<NamedDocument, "chunks"> & { readonly chunks: readonly IndexedChunk[] })[]> {
    const loaded = new Map<string, readonly IndexedChunk[]>();
    const failures: unknown[] = [];
    await inParallel(documents, FETCHES, async ({ key }) => {
      try {
        if (failures.length === 0) loaded.set(key, this.#loaded.get(key) ?? (await this.#chunks(key)));
      } catch (error) {
        failures.push(error);
      }
    });
    this.#loaded = loaded;
    if (failures.length > 0) throw failures[0];
    return documents.map((document) => ({ ...document, chunks: loaded.get(document.key) ?? [] }));
  }

  /** A chunk's text. Throws MissingIndexFileError when its document has been replaced. */
  async text(place: {
    readonly key: string;
    readonly offset: number;
    readonly length: number;
  }): Promise<string> {
    const { key, offset, length } = place;
    return this.#text(key, `bytes=${offset}-${offset + length - 1}`);
  }

  async #chunks(key: string): Promise<IndexedChunk[]> {
    const { chunks } = chunksFileSchema.parse(JSON.parse(await this.#text(key)));
    return chunks.map(({ vector, ...chunk }, number) => ({ ...chunk, number, vector: unitOf(vector) }));
  }

  async #text(key: string, range?: string): Promise<string> {
    try {
      const { Body: body } = await this.#s3.send(
        new GetObjectCommand({ Bucket: this.bucket, Key: key, Range: range }),
      );
      return (await body?.transformToString()) ?? "";
    } catch (error) {
      if (error instanceof NoSuchKey)
        throw new MissingIndexFileError(`${key} has been replaced`, { cause: error });
      throw error;
    }
  }
}

/** A vector as it is stored, scaled to length 1. */
function unitOf(base64: string): Float32Array {
  return normalized(floatsOf(Buffer.from(base64, "base64")));
}
