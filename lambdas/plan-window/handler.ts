import { z } from "zod";
import { windowIdSchema } from "../domain/ids.ts";
import { effectiveLimits } from "../domain/limits.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { batches, jobMap, objectStore, runQueue, tenants, windows } from "../runtime/ports.ts";
import { step } from "../runtime/step.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { planWindow } from "./plan-window.ts";

const env = parseEnvironment(envSchema);
const ports = {
  objects: objectStore(env),
  windows: windows(env),
  batches: batches(env),
  jobs: jobMap(env),
  runs: runQueue(env),
  tenants: tenants(env),
  runtime: systemRuntime,
};
const settings = {
  limits: {
    openai: effectiveLimits("openai", env.BATCH_CAPS),
    anthropic: effectiveLimits("anthropic", env.BATCH_CAPS),
  },
  minBatchJobs: env.MIN_BATCH_JOBS,
  leadMs: env.BATCH_LEAD_SECONDS * 1000,
  maxJobs: env.MAX_WINDOW_JOBS,
  lanes: {
    pace: env.ESCALATION,
    windowMs: env.LANES.windowMinutes * 60_000 * env.LANES.timeFactor,
    timeFactor: env.LANES.timeFactor,
    flexRefusal: env.LANES.flexRefusal,
  },
  headroom: env.HEADROOM,
};

export const handler = step(z.object({ windowId: windowIdSchema }), async ({ windowId }) => {
  const { batches: planned, jobs, setAside } = await planWindow(windowId, ports, settings);
  count({ BatchesPlanned: planned.length, JobsPlannedDirect: jobs.direct, SegmentsSetAside: setAside });
  return { windowId, batches: planned, setAside };
});
