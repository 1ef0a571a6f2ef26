import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { failureText } from "../failure-text.ts";
import { WORKLOAD_NAMES, type WorkloadName } from "../gateway/workload-names.ts";
import { type DemoOptions, runDemo } from "./run-demo.ts";
import { SAMPLE_CALLS } from "./calls.ts";
import { WORKLOAD_DEMOS } from "./workloads.ts";

function positiveInteger(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError("give a whole number of 1 or more");
  return number;
}

const program = new Command("npm run demo --")
  .description(
    "Runs the whole gateway on this machine: real conversations become jobs of six tenants, share simulated half-price provider batches, and come back with their cost.",
  )
  .addOption(
    new Option("--calls <file>", "conversations, one JSON object a line").default(
      fileURLToPath(SAMPLE_CALLS),
      "60 that come with the project",
    ),
  )
  .addOption(
    new Option("--workload <name>", "show one of the workloads that come with the gateway").choices(
      Object.values(WORKLOAD_NAMES),
    ),
  )
  .option("--documents <folder>", "for re-index: the documents; this project's own unless told")
  .option("--query <text>", "for re-index: what to look for in them", someText)
  .option("--queries <file>", "also classify the queries of a CSV file with a `text` column")
  .option("--limit <n>", "use the first n conversations only", positiveInteger)
  .option("--speed <n>", "divide windows, waits and due times by n", positiveInteger, 60)
  .option("--report <file>", "write the figures as JSON")
  .showHelpAfterError();

function someText(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("give some words");
  return text;
}

const options = program.parse().opts<DemoOptions & { report?: string; workload?: WorkloadName }>();
for (const name of ["documents", "query"] as const)
  if (options[name] !== undefined && options.workload !== "re-index")
    program.error(`error: --${name} is for --workload re-index`);
const stop = new AbortController();
process.once("SIGINT", () => stop.abort(new Error("stopped by Ctrl-C")));
process.once("SIGTERM", () => stop.abort(new Error("stopped")));

try {
  const run = options.workload === undefined ? runDemo : WORKLOAD_DEMOS[options.workload];
  const { report, faults } = await run(options, stop.signal);
  if (options.report !== undefined)
    await writeFile(options.report, `${JSON.stringify(report, undefined, 2)}\n`);
  for (const fault of faults) console.error(`WRONG: ${fault}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} catch (error) {
  const why = stop.signal.aborted ? "it was stopped" : failureText(error);
  console.error(`\nThe demo did not finish: ${why}`);
  process.exitCode = stop.signal.aborted ? 130 : 1;
}
