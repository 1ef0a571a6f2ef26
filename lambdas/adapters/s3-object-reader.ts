import { Readable } from "node:stream";
import { GetObjectCommand, type S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { MissingRecordError, RetryableError, TerminalError } from "../domain/failures.ts";

/** Connections that may break one after another without a byte between them. */
const BREAKS = 3;

type Place = { readonly bucket: string; readonly key: string };
type Span = { readonly offset: number; readonly length: number };
type Part = { readonly body: Readable; readonly etag: string | undefined; readonly end: number };

/** Whether S3 says that there is nothing under a key, or nothing at that range of it. */
export function isMissing(error: unknown): boolean {
  return (
    error instanceof S3ServiceException && ["NoSuchKey", "NotFound", "InvalidRange"].includes(error.name)
  );
}

/**
 * The object's bytes, or the span of them, as they arrive. The SDK's retries end where the body begins: a connection
 * that breaks inside it is taken up where it broke, as long as the object is still the same. Throws MissingRecordError
 * when there is no such object or span, RetryableError when connections keep breaking.
 */
export async function* readObject(client: S3Client, place: Place, span?: Span): AsyncGenerator<Uint8Array> {
  let part = await open(client, place, span && { from: span.offset, to: span.offset + span.length });
  const { etag, end } = part;
  let position = span?.offset ?? 0;
  for (let breaks = 0; position < end;) {
    try {
      const chunks: AsyncIterable<Uint8Array> = part.body;
      for await (const chunk of chunks) {
        breaks = 0;
        position += chunk.byteLength;
        yield chunk;
      }
      if (position < end) throw new Error("the body ended early");
    } catch (error) {
      breaks += 1;
      if (breaks > BREAKS)
        throw new RetryableError(`reading ${place.key} broke at ${position}`, { cause: error });
      if (position < end) part = await open(client, place, { from: position, to: end }, etag);
    }
  }
}

async function open(
  client: S3Client,
  { bucket, key }: Place,
  range?: { readonly from: number; readonly to: number },
  etag?: string,
): Promise<Part> {
  try {
    const answer = await client.send(
      new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ...(range && { Range: `bytes=${range.from}-${range.to - 1}` }),
        ...(etag !== undefined && { IfMatch: etag }),
      }),
    );
    const { Body: body, ContentLength: length } = answer;
    if (!(body instanceof Readable) || length === undefined)
      throw new TerminalError(`S3 answered for ${key} without a body or its length`);
    if (range !== undefined && length !== range.to - range.from) {
      body.destroy();
      throw new MissingRecordError(`${key} has no ${range.to - range.from} bytes from ${range.from}`);
    }
    return { body, etag: answer.ETag, end: range?.to ?? length };
  } catch (error) {
    if (isMissing(error))
      throw new MissingRecordError(`no object ${key}, or not these bytes`, { cause: error });
    if (error instanceof S3ServiceException && error.name === "PreconditionFailed")
      throw new RetryableError(`${key} was replaced while it was read`, { cause: error });
    throw error;
  }
}
