import { cp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { inject } from "vitest";
import { z } from "zod";
import { STACK_NAME } from "../local/gateway/local-gateway.ts";

/** Stands in an assembly for the simulator's address, in which the gateways that share it differ. */
const ANY_ORIGIN = "http://simulator.invalid";

const settingsSchema = z.object({ providers: z.object({ openai: z.object({ baseUrl: z.url() }) }) });

/** The folder of the app's assembly for these stage settings, bundles included. Others read it: it stays as it is. */
export async function sharedAssembly(settings: Readonly<Record<string, unknown>>): Promise<string> {
  const response = await fetch(inject("assemblyServer"), { method: "POST", body: JSON.stringify(settings) });
  const answer = await response.text();
  if (!response.ok) throw new Error(answer);
  return answer;
}

/** For `LocalGatewayOptions.assemble`: a copy of a shared assembly, with this gateway's simulator in it. */
export async function assembleShared(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { origin } = new URL(settingsSchema.parse(settings).providers.openai.baseUrl);
  const anywhere = JSON.stringify(settings).replaceAll(origin, ANY_ORIGIN);
  await cp(await sharedAssembly(JSON.parse(anywhere)), folder, { recursive: true });
  const template = path.join(folder, `${STACK_NAME}.template.json`);
  const text = await readFile(template, "utf8");
  await writeFile(template, text.replaceAll(ANY_ORIGIN, origin));
}
