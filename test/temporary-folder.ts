import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

let folder: string | undefined;

/** Gives the tests a temporary folder that goes with them: CDK leaves a synthesized app in it wherever a worker is ended. */
export async function setup(): Promise<void> {
  folder = await mkdtemp(path.join(os.tmpdir(), "offpeak-tests-"));
  process.env["TMPDIR"] = folder;
}

export async function teardown(): Promise<void> {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}
