import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, type S3Client } from "@aws-sdk/client-s3";
import type { MemoryObjectStore } from "../../../lambdas/adapters/memory-object-store.ts";

/** As much of S3 as the client's search uses, over the objects of a memory store. `beforeGet` may change them. */
export function memoryS3(
  objects: MemoryObjectStore,
  beforeGet: (key: string) => Promise<void> = async () => undefined,
): S3Client {
  const send = async (command: unknown): Promise<unknown> => {
    if (command instanceof ListObjectsV2Command) {
      for await (const { key } of objects.list(command.input.Prefix ?? ""))
        return { Contents: [{ Key: key }] };
      return {};
    }
    if (!(command instanceof GetObjectCommand)) throw new Error("not used by searches");
    const { Key: key = "", Range: range } = command.input;
    await beforeGet(key);
    const bytes = await objects.get(key);
    if (!bytes) throw new NoSuchKey({ message: key, $metadata: {} });
    const [from = 0, to = bytes.length - 1] = range?.match(/\d+/g)?.map(Number) ?? [];
    const text = Buffer.from(bytes.subarray(from, to + 1)).toString();
    return { Body: { transformToString: async () => text } };
  };
  return { send } as unknown as S3Client;
}
