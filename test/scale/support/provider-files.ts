import { createReadStream, createWriteStream, mkdirSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { BatchProvider, ObjectStore } from "../../../lambdas/ports.ts";

/** A provider's files, in a folder that its own thread and the gateway's share. */
export class ProviderFiles {
  readonly #folder: string;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
  }

  async write(id: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    await pipeline(content, createWriteStream(path.join(this.#folder, id)));
  }

  /** Makes a finished file of the same disk one of these. */
  async adopt(id: string, file: string): Promise<void> {
    await rename(file, path.join(this.#folder, id));
  }

  read(id: string): AsyncIterable<Buffer> {
    return createReadStream(path.join(this.#folder, id));
  }

  async delete(id: string): Promise<void> {
    await rm(path.join(this.#folder, id));
  }

  async list(): Promise<string[]> {
    return readdir(this.#folder);
  }
}

/** The part of a provider that moves files: it runs in the gateway's thread, as an SDK's uploads and downloads would. */
export function providerAt(folder: string, objects: ObjectStore): Partial<BatchProvider> {
  const files = new ProviderFiles(folder);
  return {
    provider: "openai",
    namesBatches: true,
    upload: async ({ key, name }) => {
      await files.write(name, objects.stream(key));
      return name;
    },
    output: async function* (batch, file) {
      const id = file === "output" ? batch.outputFileId : batch.errorFileId;
      if (id !== null) yield* files.read(id);
    },
  };
}
