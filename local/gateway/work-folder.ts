import { mkdir, open, readFile, rm } from "node:fs/promises";
import path from "node:path";

/**
 * Empties a folder for one run and keeps other runs out of it until `release`. Throws, touching nothing, while the
 * process that has it is alive; what a dead one left is taken over.
 */
export async function takeWorkFolder(folder: string): Promise<{ release(): Promise<void> }> {
  await mkdir(path.dirname(folder), { recursive: true });
  const lock = `${folder}.lock`;
  const holder = await liveHolder(lock);
  if (holder !== undefined) {
    throw new Error(`${folder} is in use by process ${holder}: stop that run first, or use another checkout`);
  }
  await rm(lock, { force: true });
  // Two that start at once: only one creates the file.
  const handle = await open(lock, "wx");
  await handle.writeFile(String(process.pid));
  await handle.close();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return { release: () => rm(lock, { force: true }) };
}

async function liveHolder(lock: string): Promise<number | undefined> {
  const pid = Number(await readFile(lock, "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}
