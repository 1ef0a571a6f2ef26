import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import type { TenantPolicy } from "../../lambdas/domain/tenant-policy.ts";
import type { Workload } from "../../lambdas/domain/workloads.ts";
import { failureText } from "../failure-text.ts";
import { type LocalGateway, mailFolder, STACK_NAME, startLocalGateway } from "./local-gateway.ts";
import { readTenants, workloadGaps } from "./local-tenants.ts";
import { parseWorkloads, WORKLOAD_NAMES } from "./workload-names.ts";

const WORK_FOLDER = fileURLToPath(new URL("../../.offpeak/local", import.meta.url));

/** How long a simulated provider takes for a batch, before `--speed`: some minutes, as real ones mostly do. */
const SIMULATED_BATCH_SECONDS = 240;

type Options = {
  readonly tenants?: string;
  readonly workloads?: readonly Workload[];
  readonly outputs: string;
  readonly speed: number;
  readonly port: number;
};

function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!Number.isFinite(number) || number < least)
      throw new InvalidArgumentError(`give a number of ${least} or more`);
    return number;
  };
}

const options = new Command("npm run local --")
  .description(
    "Runs the stack on this machine until Ctrl-C, for any AWS SDK client: an endpoint, queues, results.",
  )
  .option(
    "--tenants <file>",
    "tenants as JSON; without it, one called acme, which has all workloads that are on",
  )
  .option(
    "--workloads <names>",
    `switch on workloads: some of ${Object.values(WORKLOAD_NAMES).join(",")}, or all`,
    parseWorkloads,
  )
  .option(
    "--outputs <file>",
    "where the stack's outputs are written when it is ready",
    ".offpeak/outputs.json",
  )
  .option("--speed <n>", "divide windows, waits and the tiers' due times by n", numberFrom(1), 1)
  .option("--port <n>", "the port of the AWS endpoint (0: any free one)", numberFrom(0), 0)
  .addHelpText(
    "after",
    `
OPENAI_BASE_URL, OPENAI_API_KEY, ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY point the stack at any compatible provider;
a provider without a base URL is simulated.`,
  )
  .showHelpAfterError()
  .parse()
  .opts<Options>();
const { workloads = [] } = options;

/** Whole or not at all: whoever waits for the file may read it the moment it is there. */
async function writeOutputs(gateway: LocalGateway): Promise<void> {
  const { outputs } = options;
  await mkdir(path.dirname(outputs), { recursive: true });
  await writeFile(`${outputs}.part`, `${JSON.stringify({ [STACK_NAME]: gateway.outputs }, undefined, 2)}\n`);
  await rename(`${outputs}.part`, outputs);
}

function describe({ outputs, providers }: LocalGateway, tenants: readonly TenantPolicy[]): string {
  const reached = (["openai", "anthropic"] as const).map(
    (name) => `${name}${providers[name].simulated ? " (simulated)" : ""} at ${providers[name].baseUrl}`,
  );
  return [
    `AWS endpoint ${outputs["Endpoint"]} (region ${outputs["Region"]}, any credentials); providers: ${reached.join(", ")}.`,
    `Outputs in ${options.outputs}, logs in .offpeak/local/logs. Ctrl-C stops.`,
    ...workloadNotes(tenants),
  ].join("\n");
}

function workloadNotes(tenants: readonly TenantPolicy[]): string[] {
  const names = workloads.map((workload) => WORKLOAD_NAMES[workload]).join(", ");
  const mails = path.relative(process.cwd(), mailFolder(WORK_FOLDER));
  return [
    ...(workloads.length > 0 ? [`Workloads: ${names}; see docs/workloads.`] : []),
    ...(workloads.includes("leadScoring") ? [`E-mails that are sent end as .eml files in ${mails}.`] : []),
    ...workloadGaps(workloads, tenants),
  ];
}

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());

try {
  const tenants = await readTenants(options.tenants, workloads);
  const gateway = await startLocalGateway({
    speed: options.speed,
    tenants,
    workloads,
    workFolder: WORK_FOLDER,
    port: options.port,
    simulator: { batchSeconds: SIMULATED_BATCH_SECONDS / options.speed },
    environment: process.env,
    log: (line) => console.error(line),
  });
  if (!stopping.signal.aborted) await writeOutputs(gateway);
  console.log(describe(gateway, tenants));
  // The handle keeps the process alive where nothing else would.
  const alive = setInterval(() => undefined, 60_000);
  if (!stopping.signal.aborted) await once(stopping.signal, "abort");
  clearInterval(alive);
  console.error("stopping");
  await gateway.stop();
  await rm(options.outputs, { force: true });
} catch (error) {
  if (stopping.signal.aborted) {
    console.error("stopped");
    process.exitCode = 130;
  } else {
    console.error(`The stack could not run: ${failureText(error)}`);
    process.exitCode = 1;
  }
}
