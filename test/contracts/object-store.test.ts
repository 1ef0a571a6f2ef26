import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { s3Client } from "../../lambdas/adapters/aws-clients.ts";
import { MemoryObjectStore } from "../../lambdas/adapters/memory-object-store.ts";
import { S3ObjectStore } from "../../lambdas/adapters/s3-object-store.ts";
import { RetryableError } from "../../lambdas/domain/failures.ts";
import { startBreakingServer } from "./breaking-server.ts";
import { cutOff, recordCommands } from "./client-faults.ts";
import { type QueuesAndBuckets, startQueuesAndBuckets } from "./emulators.ts";
import { gather } from "./gather.ts";
import { breakingAfter, bytesOf, describeObjectStore } from "./object-store-contract.ts";

let emulator: QueuesAndBuckets;
beforeAll(async () => {
  emulator = await startQueuesAndBuckets();
});
afterAll(() => emulator.stop());

describeObjectStore("memory", async () => new MemoryObjectStore());
describeObjectStore("memory, a byte at a time", async () => new MemoryObjectStore({ chunkBytes: 4099 }));
describeObjectStore("S3", async () => new S3ObjectStore(emulator.s3(), await emulator.createBucket()));

async function breaking(piece: number) {
  const object = Buffer.concat(await gather(bytesOf(10)));
  const server = await startBreakingServer(object, piece);
  const client = s3Client(server.environment);
  const close = async () => {
    client.destroy();
    await server.stop();
  };
  return { object, server, objects: new S3ObjectStore(client, "bucket"), close };
}

describe("objects in S3", () => {
  it("are uploaded in parts of 8 MiB, or whole when smaller", async () => {
    const client = emulator.s3();
    const objects = new S3ObjectStore(client, await emulator.createBucket());
    const sent = recordCommands(client);
    await objects.putStream("little", bytesOf(1000));
    expect(sent).toEqual(["PutObjectCommand"]);
    await objects.putStream("big", bytesOf(20 * 1024 * 1024));
    expect(sent.filter((command) => command === "UploadPartCommand")).toHaveLength(3);
  });

  it("leave no parts of a stream that failed", async () => {
    const client = emulator.s3();
    const objects = new S3ObjectStore(client, await emulator.createBucket());
    const sent = recordCommands(client);
    await expect(objects.putStream("a", breakingAfter(20 * 1024 * 1024))).rejects.toThrow();
    expect(sent).toContain("AbortMultipartUploadCommand");
  });

  it("do not appear when a part cannot be sent", async () => {
    const client = emulator.s3();
    const bucket = await emulator.createBucket();
    cutOff(client, "UploadPartCommand", 1);
    const sent = recordCommands(client);
    const uploading = new S3ObjectStore(client, bucket).putStream("a", bytesOf(30 * 1024 * 1024));
    await expect(uploading).rejects.toBeInstanceOf(RetryableError);
    expect(sent).toEqual([
      "CreateMultipartUploadCommand",
      "UploadPartCommand",
      "AbortMultipartUploadCommand",
    ]);
    expect(await new S3ObjectStore(emulator.s3(), bucket).size("a")).toBeUndefined();
  });

  it("are read on from where a connection broke", async () => {
    const { object, server, objects, close } = await breaking(4);
    expect(Buffer.concat(await gather(objects.stream("a")))).toEqual(object);
    expect(server.ranges).toEqual([undefined, "bytes=4-9", "bytes=8-9"]);
    expect(Buffer.from(await objects.getRange("a", 1, 7))).toEqual(object.subarray(1, 8));
    await close();
  });

  it("throw RetryableError when connections break without a byte", async () => {
    const { objects, close } = await breaking(0);
    await expect(gather(objects.stream("a"))).rejects.toBeInstanceOf(RetryableError);
    await close();
  });
});
