import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { benchAwsCosts } from "./aws-costs/main.ts";
import { benchLanes } from "./lanes/main.ts";
import { benchOverhead } from "./overhead/main.ts";

// `npm run bench` runs the timed benchmarks, all or those whose file name holds a word; `lanes` and `aws-costs` count
// instead of timing, and `overhead` puts a load on the whole stack.
const [first, ...rest] = process.argv.slice(2);
if (first === "lanes") process.exitCode = await benchLanes(rest);
else if (first === "aws-costs") process.exitCode = await benchAwsCosts(rest);
else if (first === "overhead") process.exitCode = await benchOverhead(rest);
else {
  const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
  const args = [vitest, "bench", "--run", ...(first === undefined ? [] : [first, ...rest])];
  process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
}
