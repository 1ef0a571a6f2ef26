import { parseEnvironment } from "../runtime/environment.ts";
import { batches, budgets, executions, jobMap, objectStore, runQueue } from "../runtime/ports.ts";
import { batchProviders } from "../runtime/providers.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count, logFailure, logger, observed } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { sweepLeftovers } from "./sweep-leftovers.ts";

const env = parseEnvironment(envSchema);
const objects = objectStore(env);
const providers = batchProviders(env, objects);
const ports = {
  objects,
  jobs: jobMap(env),
  runs: runQueue(env),
  batches: batches(env),
  budgets: budgets(env),
  executions: executions(env),
  provider: async (name: keyof typeof providers) => providers[name],
  runtime: systemRuntime,
};

export const handler = () =>
  observed(async () => {
    const { failures, ...found } = await sweepLeftovers(ports);
    for (const failure of failures) logFailure("part of the sweep failed", failure);
    count({
      SegmentsFinished: found.segmentsFinished,
      SegmentsLeftBehind: found.segmentsLeftBehind,
      OrphansAdopted: found.orphansAdopted,
      BatchesStartedAgain: found.batchesStarted,
      BatchesPastDue: found.batchesPastDue,
      SweepFailures: failures.length,
    });
    logger.info("swept", { ...found, failures: failures.length });
    return { ...found, failures: failures.length };
  });
