import { z } from "zod";
import { parseEnvironment } from "../runtime/environment.ts";
import { jobMap, objectStore, runQueue, windows } from "../runtime/ports.ts";
import { step } from "../runtime/step.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { envSchema } from "./env.ts";
import { freezeWindow } from "./freeze-window.ts";

const env = parseEnvironment(envSchema);
const ports = {
  objects: objectStore(env),
  jobs: jobMap(env),
  runs: runQueue(env),
  windows: windows(env),
  runtime: systemRuntime,
};

export const handler = step(
  z.object({ scheduledTime: z.iso.datetime({ offset: true }) }),
  async ({ scheduledTime }) => ({
    windowId: await freezeWindow(scheduledTime, ports),
  }),
);
