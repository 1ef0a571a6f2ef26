import {
  ConflictException,
  CreateIndexCommand,
  DeleteVectorsCommand,
  NotFoundException,
  PutVectorsCommand,
  type S3VectorsClient,
} from "@aws-sdk/client-s3vectors";
import { chunks } from "../domain/chunks.ts";
import type { TenantId } from "../domain/ids.ts";
import { UNFILTERED_METADATA, type VectorEntry, vectorIndexName } from "../domain/re-index/vector-entry.ts";
import { floatsOf } from "../domain/re-index/vector-floats.ts";
import type { VectorIndex } from "../vector-index.ts";

/** S3 Vectors takes 500 in one call, and 20 MiB: vectors of 4,096 dimensions are some 80 KB each as JSON. */
const PUTS_PER_CALL = 100;
/** S3 Vectors' limit. */
const DELETES_PER_CALL = 500;

/** A vector bucket of S3 Vectors, with an index for each tenant and model. */
export class S3VectorIndex implements VectorIndex {
  readonly #client: S3VectorsClient;
  readonly #bucketArn: string;

  constructor(client: S3VectorsClient, bucketArn: string) {
    this.#client = client;
    this.#bucketArn = bucketArn;
  }

  async put(tenantId: TenantId, model: string, entries: readonly VectorEntry[]): Promise<void> {
    const indexName = vectorIndexName(tenantId, model);
    const vectors = entries
      .map(({ key, vector, metadata }) => ({ key, data: { float32: [...floatsOf(vector)] }, metadata }))
      .filter(({ data }) => data.float32.some((value) => value !== 0));
    for (const part of chunks(vectors, PUTS_PER_CALL)) {
      const command = new PutVectorsCommand({ indexArn: this.#arnOf(indexName), vectors: [...part] });
      try {
        await this.#client.send(command);
      } catch (error) {
        if (!(error instanceof NotFoundException)) throw error;
        await this.#create(indexName, part[0]?.data.float32.length ?? 0);
        await this.#client.send(command);
      }
    }
  }

  async delete(tenantId: TenantId, model: string, keys: readonly string[]): Promise<void> {
    const indexArn = this.#arnOf(vectorIndexName(tenantId, model));
    for (const part of chunks(keys, DELETES_PER_CALL)) {
      try {
        await this.#client.send(new DeleteVectorsCommand({ indexArn, keys: [...part] }));
      } catch (error) {
        // Nothing was ever put into it.
        if (error instanceof NotFoundException) return;
        throw error;
      }
    }
  }

  /** Whoever comes second finds it made. */
  async #create(indexName: string, dimension: number): Promise<void> {
    try {
      await this.#client.send(
        new CreateIndexCommand({
          vectorBucketArn: this.#bucketArn,
          indexName,
          dataType: "float32",
          dimension,
          distanceMetric: "cosine",
          metadataConfiguration: { nonFilterableMetadataKeys: [...UNFILTERED_METADATA] },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConflictException)) throw error;
    }
  }

  #arnOf(indexName: string): string {
    return `${this.#bucketArn}/index/${indexName}`;
  }
}
