import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { failureText } from "../local/failure-text.ts";
import { benchAwsCosts } from "./aws-costs/main.ts";
import { benchLanes } from "./lanes/main.ts";
import { benchOverhead } from "./overhead/main.ts";

const HELP = `npm run bench -- [name] [options]

  (none)      the timed benchmarks: the batch lane on adapters in memory, token estimates
  a word      those of them whose file name holds it
  lanes       a week of jobs in virtual time, beside other strategies
  overhead    what the gateway adds to a critical job, the whole stack under load
  aws-costs   what AWS bills for a day, counted on the whole stack in time lapse

lanes, overhead and aws-costs have options of their own: npm run bench -- lanes --help
`;

/** Benchmarks of their own, with their own arguments; each resolves to its exit code. */
const OWN: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  lanes: benchLanes,
  overhead: benchOverhead,
  "aws-costs": benchAwsCosts,
};

/** Those that vitest runs, all or those whose file name holds the first word. */
function timed(args: readonly string[]): number {
  const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
  return spawnSync(process.execPath, [vitest, "bench", "--run", ...args], { stdio: "inherit" }).status ?? 1;
}

const [first = "", ...rest] = process.argv.slice(2);
try {
  if (first === "--help") process.stdout.write(HELP);
  else process.exitCode = (await OWN[first]?.(rest)) ?? timed(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${failureText(error)}\n`);
  process.exitCode = 2;
}
