import { z } from "zod";
import { batchIdSchema } from "../domain/ids.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { batches, objectStore } from "../runtime/ports.ts";
import { batchProviders } from "../runtime/providers.ts";
import { step } from "../runtime/step.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { pollBatch, type PollPorts } from "./poll-batch.ts";

const env = parseEnvironment(envSchema);
const providers = batchProviders(env, objectStore(env));
const ports: PollPorts = {
  batches: batches(env),
  provider: async (name) => providers[name],
  runtime: systemRuntime,
};

const payload = z.object({ batchId: batchIdSchema, polls: z.number().int().nonnegative() });

export const handler = step(payload, async ({ batchId, polls }) => {
  const poll = await pollBatch(batchId, polls, ports, env.ESCALATION);
  count({ BatchesStuck: poll.stuck ? 1 : 0 });
  return poll;
});
