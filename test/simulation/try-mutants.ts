import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Edit, Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutant-list.ts";
import { readStage } from "./stage.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COPIED = [
  "lambdas",
  "lib",
  "local",
  "cli",
  "client",
  "test/simulation",
  "test/lib",
  "package.json",
  "tsconfig.json",
  "cdk.json",
];
const RUNS = 200;
const STAGE = "stage.json";

const run = promisify(execFile);

type Verdict = { readonly killed: boolean; readonly words: string };

/** Makes each mutant in a copy of the tree and simulates until a seed notices. Whether all were noticed. */
export async function tryMutants(wanted: string, print: (line: string) => void): Promise<boolean> {
  const mutants = MUTANTS.filter(({ name }) => name.includes(wanted));
  const folder = await mkdtemp(join(tmpdir(), "offpeak-mutants-"));
  let survived = 0;
  try {
    for (const part of COPIED) await cp(join(ROOT, part), join(folder, part), { recursive: true });
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    // None of them changes what deploys: it is synthesized once.
    await writeFile(join(folder, STAGE), JSON.stringify(readStage()));
    for (const mutant of mutants) {
      const began = performance.now();
      const { killed, words } = await tryMutant(mutant, folder);
      if (!killed) survived += 1;
      const seconds = Math.round((performance.now() - began) / 1000);
      print(`${killed ? "killed  " : "SURVIVED"}  ${mutant.name}: ${words} (${seconds} s)`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  print(`${mutants.length - survived} of ${mutants.length} mutants were noticed within ${RUNS} runs`);
  return survived === 0;
}

async function tryMutant({ edits }: Mutant, folder: string): Promise<Verdict> {
  const before = new Map<string, string>();
  try {
    for (const { file, find, replace } of edits) {
      const path = join(folder, file);
      const text = await readFile(path, "utf8");
      if (!before.has(path)) before.set(path, text);
      const places = [...text.matchAll(anyLayout(find))];
      const [place] = places;
      if (place === undefined || places.length > 1)
        return { killed: false, words: `${file} has ${places.length} places for it, not one` };
      const end = place.index + place[0].length;
      await writeFile(path, `${text.slice(0, place.index)}${replace}${text.slice(end)}`);
    }
    return await simulated(folder);
  } finally {
    for (const [path, text] of before) await writeFile(path, text);
  }
}

/** How often the code that an edit replaces is in its file. */
export async function occurrences({ file, find }: Edit): Promise<number> {
  return [...(await readFile(join(ROOT, file), "utf8")).matchAll(anyLayout(find))].length;
}

/** The same code, however it is broken into lines. */
function anyLayout(find: string): RegExp {
  const tokens = find
    .trim()
    .split(/\s+/)
    .map((token) => token.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  // A formatter breaks lines after brackets and adds a comma before them.
  const loose = tokens.map((token) =>
    token.replaceAll(/(\\[([{])/g, "$1\\s*").replaceAll(/(\\[)\]}])/g, ",?\\s*$1"),
  );
  return new RegExp(loose.join("\\s+"), "g");
}

async function simulated(folder: string): Promise<Verdict> {
  const report = join(folder, "report.json");
  await rm(report, { force: true });
  const main = join(folder, "test/simulation/main.ts");
  const flags = ["--runs", String(RUNS), "--report", report, "--no-story", "--stage", join(folder, STAGE)];
  // It ends with 1 when it notices: what it saw is in its report.
  const crashed = await run(process.execPath, [main, ...flags], { cwd: folder }).then(
    () => "",
    (error: unknown) => String(error),
  );
  const text = await readFile(report, "utf8").catch(() => null);
  if (text === null) return { killed: false, words: `the simulation did not run: ${crashed.slice(0, 300)}` };
  const { failed } = JSON.parse(text) as {
    readonly failed: {
      readonly seed: number;
      readonly violations: readonly { invariant: string; what: string }[];
    } | null;
  };
  if (failed === null) return { killed: false, words: `${RUNS} runs saw nothing` };
  const [first] = failed.violations;
  return { killed: true, words: `seed ${failed.seed}: ${first?.invariant}: ${first?.what.slice(0, 120)}` };
}
