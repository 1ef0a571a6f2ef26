import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { takeWorkFolder } from "../../../local/gateway/work-folder.ts";

let parent: string;
beforeAll(async () => {
  parent = await mkdtemp(path.join(os.tmpdir(), "offpeak-work-"));
});
afterAll(() => rm(parent, { recursive: true, force: true }));

test("one run at a time has a folder: another is refused and touches nothing", async () => {
  const folder = path.join(parent, "demo");
  const taken = await takeWorkFolder(folder);
  await writeFile(path.join(folder, "log"), "mine");
  await expect(takeWorkFolder(folder)).rejects.toThrow(`in use by process ${process.pid}`);
  expect(await readdir(folder)).toEqual(["log"]);
  await taken.release();
  const again = await takeWorkFolder(folder);
  expect(await readdir(folder)).toEqual([]);
  await again.release();
});

test("what a dead process left is taken over", async () => {
  const folder = path.join(parent, "left");
  // No process has this number: Linux gives none above 2^22.
  await writeFile(`${folder}.lock`, "99999999");
  await (await takeWorkFolder(folder)).release();
});
