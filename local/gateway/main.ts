import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { tenantsFileSchema, type TenantPolicy } from "../../lambdas/domain/tenant-policy.ts";
import { failureText } from "../failure-text.ts";
import { type LocalGateway, STACK_NAME, startLocalGateway } from "./local-gateway.ts";

const WORK_FOLDER = fileURLToPath(new URL("../../.offpeak/local", import.meta.url));

/** How long a simulated provider takes for a batch, before `--speed`: some minutes, as real ones mostly do. */
const SIMULATED_BATCH_SECONDS = 240;

/** Without a tenants file there is one tenant, to try things with. */
const DEFAULT_TENANTS = [{ tenantId: "acme" }];

type Options = {
  readonly tenants?: string;
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
  .option("--tenants <file>", "tenants as JSON; without it, one tenant called acme")
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

async function readTenants(file: string | undefined): Promise<TenantPolicy[]> {
  if (file === undefined) return tenantsFileSchema.parse(DEFAULT_TENANTS);
  const text = await readFile(file, "utf8");
  try {
    return tenantsFileSchema.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new Error(`${file} is not a tenants file:\n${reason}`, { cause: error });
  }
}

/** Whole or not at all: whoever waits for the file may read it the moment it is there. */
async function writeOutputs(gateway: LocalGateway): Promise<void> {
  const { outputs } = options;
  await mkdir(path.dirname(outputs), { recursive: true });
  await writeFile(`${outputs}.part`, `${JSON.stringify({ [STACK_NAME]: gateway.outputs }, undefined, 2)}\n`);
  await rename(`${outputs}.part`, outputs);
}

function describe({ outputs, providers }: LocalGateway): string {
  const reached = (["openai", "anthropic"] as const).map(
    (name) => `${name}${providers[name].simulated ? " (simulated)" : ""} at ${providers[name].baseUrl}`,
  );
  return [
    `AWS endpoint ${outputs["Endpoint"]} (region ${outputs["Region"]}, any credentials); providers: ${reached.join(", ")}.`,
    `Outputs in ${options.outputs}, logs in .offpeak/local/logs. Ctrl-C stops.`,
  ].join("\n");
}

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());

try {
  const tenants = await readTenants(options.tenants);
  const gateway = await startLocalGateway({
    speed: options.speed,
    tenants,
    workFolder: WORK_FOLDER,
    port: options.port,
    simulator: { batchSeconds: SIMULATED_BATCH_SECONDS / options.speed },
    environment: process.env,
    log: (line) => console.error(line),
  });
  if (!stopping.signal.aborted) await writeOutputs(gateway);
  console.log(describe(gateway));
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
