import {
  DeleteObjectsCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { MissingRecordError, RetryableError } from "../domain/failures.ts";
import type { Instant } from "../domain/instant.ts";
import type { ObjectStore } from "../ports.ts";
import { chunks as chunksOf } from "../domain/chunks.ts";
import { isMissing, readObject } from "./s3-object-reader.ts";
import { uploadStream } from "./s3-upload.ts";

/** Keys in one DeleteObjects: S3's limit. */
const DELETES_PER_CALL = 1000;

/** Bytes that are put in one request; a longer body goes up in parts, each of which can be repeated alone. */
const LARGEST_PUT = 8 * 1024 * 1024;

export class S3ObjectStore implements ObjectStore {
  readonly bucket: string;
  readonly #client: S3Client;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.bucket = bucket;
  }

  async put(key: string, body: string | Uint8Array): Promise<void> {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    if (bytes.byteLength <= LARGEST_PUT) {
      await this.#client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: bytes }));
    } else {
      await this.putStream(key, only(bytes));
    }
  }

  async putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    return uploadStream(this.#client, { Bucket: this.bucket, Key: key }, chunks);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      return await whole(readObject(this.#client, { bucket: this.bucket, key }));
    } catch (error) {
      if (error instanceof MissingRecordError) return undefined;
      throw error;
    }
  }

  async getRange(key: string, offset: number, length: number): Promise<Uint8Array> {
    return whole(readObject(this.#client, { bucket: this.bucket, key }, { offset, length }));
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
}

async function whole(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const held: Uint8Array[] = [];
  for await (const chunk of chunks) held.push(chunk);
  return Buffer.concat(held);
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
