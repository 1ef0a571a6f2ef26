import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));

/** Bytes by source. */
export type Documents = ReadonlyMap<string, Uint8Array>;

/** Every file of a folder, whatever it is; without a folder the README and the docs of this project. */
export async function readDocuments(folder: string | undefined): Promise<Documents> {
  if (folder !== undefined) return filesUnder(folder, "");
  const readme = await readFile(path.join(PROJECT, "README.md"));
  return new Map([["README.md", readme], ...(await filesUnder(path.join(PROJECT, "docs"), "docs/"))]);
}

async function filesUnder(folder: string, prefix: string): Promise<Map<string, Uint8Array>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new Error(`the documents cannot be read: ${String(error)}`, { cause: error });
  });
  const files = entries.filter((entry) => entry.isFile());
  const names = files.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
  const found = new Map<string, Uint8Array>();
  for (const name of names.toSorted())
    found.set(`${prefix}${name.split(path.sep).join("/")}`, await readFile(path.join(folder, name)));
  return found;
}
