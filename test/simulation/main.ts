import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { gapsOf } from "./coverage.ts";
import { printFailure } from "./print-failure.ts";
import { writeReport } from "./report.ts";
import { type Findings, simulateMany } from "./simulate-many.ts";
import { parseStage, readStage } from "./stage.ts";
import { tryMutants } from "./try-mutants.ts";

/** From so many runs on, a simulation must have covered everything. */
const FULL = 2000;
const HELP = `npm run simulate -- [options]

Runs the gateway on adapters in memory and a virtual clock, with every fault there is, and checks after each run that
nothing was lost, nothing billed twice and nothing left behind.

  --seed S         the first seed (default 1); the same seed is the same run
  --runs N         how many seeds, one after the other (default 100); from ${FULL} on, every fault and every crash must have
                   happened often enough, or the simulation fails
  --report FILE    writes what happened as JSON
  --jobs N         jobs of each run (default 200)
  --threads N      (default: one for each core)
  --only IDS       only these jobs, by id, separated by commas: where a failure was narrowed down
  --without FAULT  leaves a kind of fault out; may be repeated
  --mutants        breaks the gateway on purpose, in a copy, in every way that it must notice, and prints the seed that did
  --mutant TEXT    with --mutants: only those whose name holds TEXT
  --stage FILE     the stage as JSON, instead of synthesizing it: what --mutants hands on
  --no-story       does not narrow a failure down
  --help
`;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    runs: { type: "string", default: "100" },
    jobs: { type: "string", default: "200" },
    threads: { type: "string", default: String(availableParallelism()) },
    report: { type: "string" },
    only: { type: "string" },
    without: { type: "string", multiple: true, default: [] },
    mutants: { type: "boolean", default: false },
    mutant: { type: "string" },
    stage: { type: "string" },
    "no-story": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function whole(name: "seed" | "runs" | "jobs" | "threads"): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= (name === "seed" ? 0 : 1)) return value;
  throw new Error(`--${name} takes a whole number, not ${values[name]}`);
}

/** One line that is written over itself on a terminal, and now and then elsewhere. */
function progressLine(runs: number, began: number): (findings: Findings) => void {
  let shown = 0;
  return ({ runs: done, jobs, batches }) => {
    const now = performance.now();
    if (done < runs && now - shown < (process.stdout.isTTY ? 200 : 15_000)) return;
    shown = now;
    const line = `${done} of ${runs} runs, ${jobs} jobs, ${batches} batches, ${Math.round((now - began) / 1000)} s`;
    process.stdout.write(process.stdout.isTTY && done < runs ? `\r${line}` : `\r${line}\n`);
  };
}

async function simulate(): Promise<boolean> {
  const began = performance.now();
  const stage = values.stage === undefined ? readStage() : parseStage(await readFile(values.stage, "utf8"));
  const [firstSeed, runs, jobs] = [whole("seed"), whole("runs"), whole("jobs")];
  const only = values.only === undefined ? null : values.only.split(",");
  const options = { firstSeed, runs, jobs, threads: whole("threads"), without: values.without, only };
  const { findings: running, stop } = simulateMany(stage, options, progressLine(runs, began));
  let interrupted = false;
  process.once("SIGINT", () => {
    interrupted = true;
    print("\ninterrupted: ending the runs under way");
    stop();
  });
  const findings = await running;
  const gaps = findings.runs >= FULL ? gapsOf(findings.tally) : [];
  const seconds = (performance.now() - began) / 1000;
  if (values.report !== undefined) await writeReport(values.report, findings, { firstSeed, seconds, gaps });
  if (findings.failed !== null) {
    const { seed } = findings.failed;
    if (values["no-story"]) print(`seed ${seed} fails: ${findings.failed.violations[0]?.invariant}`);
    else
      await printFailure(
        stage,
        findings.failed,
        { seed, jobs, without: values.without, only, traced: false },
        print,
      );
    return false;
  }
  for (const gap of gaps) print(`not often enough: ${gap}`);
  const crashes = findings.tally.total("crash-before") + findings.tally.total("crash-after");
  print(
    `${findings.runs} runs from seed ${firstSeed}: ${findings.jobs} jobs, ${findings.batches} provider batches, ${findings.tally.total("faults")} faults, ${crashes} crashes, ${Math.round(seconds)} s: ${gaps.length === 0 ? "every invariant held" : `${gaps.length} gaps`}`,
  );
  if (interrupted) print(`interrupted: the next seed is ${firstSeed + findings.runs}`);
  return gaps.length === 0 && !interrupted;
}

const passed = values.help
  ? (print(HELP), true)
  : values.mutants
    ? await tryMutants(values.mutant ?? "", print)
    : await simulate();
process.exitCode = passed ? 0 : 1;
