import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll } from "vitest";
import { describeObjectStore } from "../contracts/object-store-contract.ts";
import { FileObjectStore } from "./support/file-object-store.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "offpeak-objects-"));
});
afterAll(() => rm(folder, { recursive: true }));

describeObjectStore("files", async () => new FileObjectStore(await mkdtemp(path.join(folder, "bucket-"))));
