import { parseEnvironment } from "../runtime/environment.ts";
import { batches, jobMap, objectStore, runQueue } from "../runtime/ports.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count, logFailure, logger, observed } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { escalateJobs } from "./escalate-jobs.ts";

const env = parseEnvironment(envSchema);
const ports = {
  objects: objectStore(env),
  jobs: jobMap(env),
  batches: batches(env),
  runs: runQueue(env),
  runtime: systemRuntime,
};

export const handler = () =>
  observed(async () => {
    const { failures, ...found } = await escalateJobs(ports, env.ESCALATION);
    for (const failure of failures) logFailure("a late batch could not be looked after", failure);
    count({
      BatchesEscalated: found.batches,
      EscalatedJobs: found.jobs,
      JobsEscalatedTooLate: found.tooLate,
      EscalationFailures: failures.length,
    });
    if (found.jobs > 0 || failures.length > 0)
      logger.info("jobs left late batches", { ...found, failures: failures.length });
    return { ...found, failures: failures.length };
  });
