import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Runtime } from "../ports.ts";

/** The machine's own clock and random ids. */
export const systemRuntime: Runtime = {
  now: Date.now,
  uniqueId: () => randomUUID().replaceAll("-", "").slice(0, 16),
  sleep: (duration) => sleep(duration),
};
