import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import pMap from "p-map";
import { readStage } from "../../test/simulation/stage.ts";
import { chartOf } from "./chart.ts";
import type { Measured } from "./measure.ts";
import { LANE_STAGE } from "./lane-settings.ts";
import { SCENARIOS } from "./scenarios.ts";
import { markdownOf } from "./table.ts";

const HELP = `npm run bench -- lanes [options]

A week of jobs in virtual time through the gateway's own planner and state machines, beside always sync, always batch, a
nightly cron and an oracle that knows every completion time. Prints a Markdown table for each scenario.

  --seed S         varies the arrivals and the providers (default: the time, printed)
  --jobs N         jobs in the week (default 120000)
  --scenario X     only this one: a, b, c or d; may be repeated
  --report FILE    writes the rows as JSON
  --out FOLDER     gets lanes.md, the table, and lanes.svg, the chart (default .offpeak/bench)
  --help
`;

/** Measures the lanes and prints what came of it. Returns the exit code. */
export async function benchLanes(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      jobs: { type: "string", default: "120000" },
      scenario: { type: "string", multiple: true },
      report: { type: "string" },
      out: { type: "string", default: ".offpeak/bench" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const seed = whole("seed", values.seed ?? String(Date.now() % 1_000_000));
  const count = whole("jobs", values.jobs);
  const names = values.scenario ?? SCENARIOS.map(({ name }) => name);
  const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) throw new Error(`there is no scenario ${unknown.join(", ")}: a, b, c or d`);
  process.stderr.write(`${count} jobs, seed ${seed}\n`);
  const stage = readStage(LANE_STAGE);
  const measured = await pMap(names, (name) => inThread({ stage, name, seed, count }), {
    concurrency: availableParallelism(),
  });
  const rows = measured.flatMap((each) => each.rows);
  const table = markdownOf(rows, { seed, count });
  process.stdout.write(`${table}\n\n`);
  for (const [number, { week }] of measured.entries()) {
    const bill = week.costPicoUsd === week.invoicePicoUsd ? "ledger = invoice" : "LEDGER AND INVOICE DIFFER";
    const lanes = Object.entries(week.lanes).map(([lane, jobs]) => `${jobs} by ${lane}`);
    process.stdout.write(
      `(${names[number]}) ${bill}; ${week.batches} provider batches, ${week.transitions} state transitions; ${lanes.join(", ")}; ${week.unsuccessful} without success\n`,
    );
  }
  if (values.report !== undefined) await writeFile(values.report, `${JSON.stringify(rows, null, 2)}\n`);
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, "lanes.md"), `${table}\n`);
  await writeFile(join(values.out, "lanes.svg"), chartOf(rows));
  process.stdout.write(
    `table and chart: ${join(values.out, "lanes.md")}, ${join(values.out, "lanes.svg")}\n`,
  );
  const closes = measured.every(({ week }) => week.costPicoUsd === week.invoicePicoUsd);
  return closes ? 0 : 1;
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`--${name} takes a whole number from 1, not ${text}`);
}

type Task = { readonly stage: unknown; readonly name: string; readonly seed: number; readonly count: number };

function inThread(task: Task): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL("scenario-thread.ts", import.meta.url), {
      workerData: task,
      resourceLimits: { maxYoungGenerationSizeMb: 192, maxOldGenerationSizeMb: 6000 },
    });
    let shown = performance.now();
    thread.on("error", reject);
    thread.on("message", (message: { readonly done?: number; readonly measured?: Measured }) => {
      if (message.measured !== undefined) {
        resolve(message.measured);
        void thread.terminate();
      } else if (performance.now() - shown > 10_000) {
        shown = performance.now();
        process.stderr.write(`(${task.name}) ${message.done} of ${task.count} jobs done\n`);
      }
    });
  });
}
