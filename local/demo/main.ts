import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { type DemoOptions, runDemo } from "./run-demo.ts";
import { SAMPLE_CALLS } from "./calls.ts";

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
  .option("--calls <file>", "conversations, one JSON object a line", fileURLToPath(SAMPLE_CALLS))
  .option("--queries <file>", "also classify the queries of a CSV file with a `text` column")
  .option("--limit <n>", "use the first n conversations only", positiveInteger, Infinity)
  .option("--speed <n>", "divide windows, waits and due times by n", positiveInteger, 60)
  .option("--report <file>", "write the figures as JSON")
  .helpOption("--help", "show this help")
  .showHelpAfterError();

const options = program.parse().opts<DemoOptions & { report?: string }>();
const stop = new AbortController();
process.once("SIGINT", () => stop.abort(new Error("stopped by Ctrl-C")));
process.once("SIGTERM", () => stop.abort(new Error("stopped")));

try {
  const { report, faults } = await runDemo(options, stop.signal);
  if (options.report !== undefined)
    await writeFile(options.report, `${JSON.stringify(report, undefined, 2)}\n`);
  for (const fault of faults) console.error(`WRONG: ${fault}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} catch (error) {
  console.error(`\nThe demo did not finish: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
