import { parseEnvironment } from "../runtime/environment.ts";
import { jobSender, objectStore, tenants, workloadRecords } from "../runtime/ports.ts";
import { step } from "../runtime/step.ts";
import { runStepSchema } from "../score-leads/held-run.ts";
import { draftLeads } from "./draft-leads.ts";
import { envSchema } from "./env.ts";

const env = parseEnvironment(envSchema);
const ports = {
  tenants: tenants(env),
  records: workloadRecords(env),
  objects: objectStore(env),
  jobs: jobSender(env),
  now: Date.now,
};

export const handler = step(runStepSchema, (input) => draftLeads(input, ports));
