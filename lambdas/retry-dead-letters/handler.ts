import { parseEnvironment } from "../runtime/environment.ts";
import { deadLetterInboxes, deliveryQueue, objectStore, runQueue } from "../runtime/ports.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count, observed } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { retryDeadLetters } from "./retry-dead-letters.ts";

const env = parseEnvironment(envSchema);
const inboxes = deadLetterInboxes(env);
const ports = {
  runs: runQueue(env),
  deliveries: deliveryQueue(env),
  objects: objectStore(env),
  runtime: systemRuntime,
};

export const handler = (): Promise<{ readonly retried: number }> =>
  observed(async () => {
    const runs = await Promise.allSettled(
      inboxes.map(({ queue, inbox }) => retryDeadLetters(inbox, queue, ports)),
    );
    const retried = runs.reduce((sum, run) => sum + (run.status === "fulfilled" ? run.value : 0), 0);
    count({ DeadLettersRetried: retried });
    // One queue that cannot be read keeps no other from being so, but is no success.
    for (const run of runs) if (run.status === "rejected") throw run.reason;
    return { retried };
  });
