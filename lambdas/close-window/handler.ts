import { z } from "zod";
import { windowIdSchema } from "../domain/ids.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { objectStore, windows } from "../runtime/ports.ts";
import { step } from "../runtime/step.ts";
import { closeWindow } from "./close-window.ts";
import { envSchema } from "./env.ts";

const env = parseEnvironment(envSchema);
const ports = { objects: objectStore(env), windows: windows(env) };

export const handler = step(z.object({ windowId: windowIdSchema }), async ({ windowId }) => {
  await closeWindow(windowId, ports);
  return { windowId };
});
