import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { get } from "node:http";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  paginateListObjectsV2,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLocalAws } from "../../../local/aws/local-aws.ts";
import type { LocalAws } from "../../../local/aws/local-aws.ts";
import { clientsOf } from "./clients.ts";
import type { Clients } from "./clients.ts";

const Bucket = "gateway";
const MEBIBYTE = 1024 * 1024;

describe("S3", () => {
  let aws: LocalAws;
  let root: Clients;

  beforeAll(async () => {
    aws = await startLocalAws();
    root = clientsOf(aws);
    await root.s3.send(new CreateBucketCommand({ Bucket }));
  });
  afterAll(async () => {
    root.destroy();
    await aws.close();
  });

  const text = async (Key: string, Range?: string): Promise<string | undefined> => {
    const { Body } = await root.s3.send(new GetObjectCommand({ Bucket, Key, Range }));
    return Body?.transformToString();
  };

  it.each([
    ["text", "results/tenant=acme/a b+c&ü.jsonl", "line\n"],
    ["an empty body", "empty", ""],
    ["no body at all", "none", undefined],
    ["JSON", "segments/2026/x.json", "{}"],
  ])("stores and reads %s", async (_name, Key, Body) => {
    await root.s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    expect(await text(Key)).toBe(Body ?? "");
    const head = await root.s3.send(new HeadObjectCommand({ Bucket, Key }));
    expect(head.ContentLength).toBe(Buffer.byteLength(Body ?? ""));
  });

  it("serves presigned URLs, an empty body without a type included", async () => {
    const credential = encodeURIComponent("any/20261121/us-east-1/s3/aws4_request");
    const url = `${aws.endpoint}/${Bucket}/presigned?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential}`;
    expect((await fetch(url, { method: "PUT" })).status).toBe(200);
    const got = await fetch(url);
    expect(got.status).toBe(200);
    expect(await got.text()).toBe("");
  });

  it("takes the bucket from the host name, as clients with another host than an IP address send it", async () => {
    await root.s3.send(new PutObjectCommand({ Bucket, Key: "by-host", Body: "x" }));
    const request = get(`${aws.endpoint}/by-host`, {
      headers: {
        host: `${Bucket}.localhost:${new URL(aws.endpoint).port}`,
        authorization: "AWS4-HMAC-SHA256 Credential=any/20261121/us-east-1/s3/aws4_request, Signature=x",
      },
    });
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    expect(answer.statusCode).toBe(200);
    answer.resume();
  });

  it("keeps content type and metadata", async () => {
    const put = {
      Bucket,
      Key: "typed",
      Body: "{}",
      ContentType: "application/json",
      Metadata: { version: "1" },
    };
    await root.s3.send(new PutObjectCommand(put));
    const head = await root.s3.send(new HeadObjectCommand({ Bucket, Key: "typed" }));
    expect(head).toMatchObject({ ContentType: "application/json", Metadata: { version: "1" } });
  });

  it("streams a 20 MB multipart upload, and reads ranges of it", async () => {
    const content = randomBytes(20_000_000);
    const upload = new Upload({
      client: root.s3,
      partSize: 8 * MEBIBYTE,
      params: { Bucket, Key: "batches/large.jsonl", Body: Readable.from(slices(content, 65_536)) },
    });
    await upload.done();
    const whole = await root.s3.send(new GetObjectCommand({ Bucket, Key: "batches/large.jsonl" }));
    expect(Buffer.from((await whole.Body?.transformToByteArray()) ?? []).equals(content)).toBe(true);
    const Range = `bytes=8388600-${8388600 + 99}`;
    const part = await root.s3.send(new GetObjectCommand({ Bucket, Key: "batches/large.jsonl", Range }));
    expect(part.ContentRange).toBe(`bytes 8388600-8388699/${content.length}`);
    expect(Buffer.from((await part.Body?.transformToByteArray()) ?? [])).toEqual(
      content.subarray(8388600, 8388700),
    );
  });

  it("takes a stream of known length in one request", async () => {
    const Body = Readable.from(slices(Buffer.from("abc".repeat(50_000)), 10_000));
    await root.s3.send(new PutObjectCommand({ Bucket, Key: "stream", Body, ContentLength: 150_000 }));
    expect(await text("stream", "bytes=149997-")).toBe("abc");
  });

  it("says what to do with a body that is too large for one request", async () => {
    const put = new PutObjectCommand({ Bucket, Key: "too-large", Body: Buffer.alloc(12 * MEBIBYTE) });
    await expect(root.s3.send(put)).rejects.toMatchObject({
      name: "EntityTooLarge",
      message: expect.stringContaining("multipart"),
    });
  });

  it("aborts a multipart upload", async () => {
    const Key = "aborted";
    const { UploadId } = await root.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    await root.s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "x" }));
    await root.s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    await expect(root.s3.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject({
      name: "NoSuchKey",
    });
  });

  it("pages through a listing by prefix", async () => {
    const keys = Array.from({ length: 25 }, (_, index) => `paged/${String(index).padStart(3, "0")}`);
    await Promise.all(keys.map((Key) => root.s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))));
    const pages: string[][] = [];
    for await (const page of paginateListObjectsV2(
      { client: root.s3, pageSize: 10 },
      { Bucket, Prefix: "paged/" },
    ))
      pages.push((page.Contents ?? []).map((object) => object.Key ?? ""));
    expect(pages.map((page) => page.length)).toEqual([10, 10, 5]);
    expect(pages.flat()).toEqual(keys);
    const after = await root.s3.send(
      new ListObjectsV2Command({ Bucket, Prefix: "paged/", StartAfter: "paged/022" }),
    );
    expect(after.KeyCount).toBe(2);
  });

  it("copies and deletes", async () => {
    await root.s3.send(new PutObjectCommand({ Bucket, Key: "copy/from", Body: "x" }));
    await root.s3.send(new CopyObjectCommand({ Bucket, Key: "copy/to", CopySource: `${Bucket}/copy/from` }));
    await root.s3.send(new DeleteObjectCommand({ Bucket, Key: "copy/from" }));
    expect(await text("copy/to")).toBe("x");
    await root.s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "copy/to" }, { Key: "copy/none" }] } }),
    );
    const left = await root.s3.send(new ListObjectsV2Command({ Bucket, Prefix: "copy/" }));
    expect(left.KeyCount).toBe(0);
  });

  it("refuses what the emulator would take for a plain write", async () => {
    await root.s3.send(new PutObjectCommand({ Bucket, Key: "tagged", Body: "kept" }));
    const tagging = new PutObjectTaggingCommand({ Bucket, Key: "tagged", Tagging: { TagSet: [] } });
    await expect(root.s3.send(tagging)).rejects.toMatchObject({
      name: "UnsupportedOperation",
      message: expect.stringContaining("tagging"),
    });
    expect(await text("tagged")).toBe("kept");
  });
});

function* slices(content: Buffer, length: number): Generator<Buffer> {
  for (let start = 0; start < content.length; start += length) yield content.subarray(start, start + length);
}
