import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { PREFIXES } from "../../lambdas/domain/object-keys.ts";
import type { ObjectStore } from "../../lambdas/ports.ts";

/** Copies what a person may want to open out of the emulated bucket: batches, results, and what workloads keep. Returns the folder. */
export async function copyBucket(objects: ObjectStore, folder: string): Promise<string> {
  for (const prefix of [PREFIXES.batches, PREFIXES.results, PREFIXES.workloads]) {
    for await (const { key } of objects.list(prefix)) {
      const file = path.join(folder, key);
      await mkdir(path.dirname(file), { recursive: true });
      await pipeline(objects.stream(key), createWriteStream(file));
    }
  }
  return folder;
}
