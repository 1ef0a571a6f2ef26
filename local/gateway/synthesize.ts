import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const APP = fileURLToPath(new URL("../../bin/offpeak.ts", import.meta.url));
const run = promisify(execFile);

/**
 * Synthesizes the app, bundles included, into `folder`, with these stage settings in place of those of cdk.json. In a
 * process of its own: a synthesis holds hundreds of megabytes that the gateway does not need.
 */
export async function synthesize(folder: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const env = {
    ...process.env,
    CDK_OUTDIR: folder,
    // CDK's own rules for templates take twice as long as the rest, and are for what is deployed: `npm run synth`.
    CDK_VALIDATION: "false",
    CDK_CONTEXT_JSON: JSON.stringify({ offpeak: settings }),
  };
  try {
    await run(process.execPath, [APP], { env, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const output = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
    throw new Error(`the app could not be synthesized:\n${output || String(error)}`, { cause: error });
  }
}
