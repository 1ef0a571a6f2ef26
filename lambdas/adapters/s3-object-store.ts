import { Readable } from "node:stream";
import {
  DeleteObjectsCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { MissingRecordError, RetryableError } from "../domain/failures.ts";
import type { Instant } from "../domain/instant.ts";
import type { ObjectStore } from "../ports.ts";
import { chunks as chunksOf } from "./chunks.ts";
import { isMissing, readObject } from "./s3-object-reader.ts";

/**
 * Bytes of one uploaded part. With two parts under way an upload holds about four parts' worth of memory, whatever the
 * object's size; at 10,000 parts the largest object is 80 GiB.
 */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

/** Keys in one DeleteObjects: S3's limit. */
const DELETES_PER_CALL = 1000;

export class S3ObjectStore implements ObjectStore {
  readonly bucket: string;
  readonly #client: S3Client;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.bucket = bucket;
  }

  async put(key: string, body: string | Uint8Array): Promise<void> {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    if (bytes.byteLength > PART_BYTES) return this.#upload(key, bytes);
    await this.#client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: bytes }));
  }

  async putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    let size = 0;
    async function* counted() {
      for await (const chunk of chunks) {
        size += chunk.byteLength;
        yield chunk;
      }
    }
    // One chunk ahead: the default of sixteen would hold sixteen chunks of any size.
    await this.#upload(key, Readable.from(counted(), { highWaterMark: 1 }));
    return size;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#whole(readObject(this.#client, { bucket: this.bucket, key }));
    } catch (error) {
      if (error instanceof MissingRecordError) return undefined;
      throw error;
    }
  }

  async getRange(key: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#whole(readObject(this.#client, { bucket: this.bucket, key }, { offset, length }));
  }

  stream(key: string): AsyncIterable<Uint8Array> {
    return readObject(this.#client, { bucket: this.bucket, key });
  }

  async size(key: string): Promise<number | undefined> {
    try {
      const head = await this.#client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }));
      return head.ContentLength;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async *list(prefix: string): AsyncGenerator<{ readonly key: string; readonly writtenAt: Instant }> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.bucket, Prefix: prefix });
    for await (const page of pages) {
      for (const { Key: key, LastModified: writtenAt } of page.Contents ?? [])
        if (key !== undefined && writtenAt !== undefined) yield { key, writtenAt: writtenAt.getTime() };
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const part of chunksOf(keys, DELETES_PER_CALL)) {
      const answer = await this.#client.send(
        new DeleteObjectsCommand({
          Bucket: this.bucket,
          Delete: { Objects: part.map((key) => ({ Key: key })), Quiet: true },
        }),
      );
      const [first] = answer.Errors ?? [];
      if (first) throw new RetryableError(`S3 did not delete ${first.Key}: ${first.Code} ${first.Message}`);
    }
  }

  async #upload(key: string, body: Uint8Array | Readable): Promise<void> {
    const upload = new Upload({
      client: this.#client,
      params: { Bucket: this.bucket, Key: key, Body: body },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    });
    await upload.done();
  }

  async #whole(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    const held: Uint8Array[] = [];
    for await (const chunk of chunks) held.push(chunk);
    return Buffer.concat(held);
  }
}
