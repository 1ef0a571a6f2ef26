import { parseEnvironment } from "../runtime/environment.ts";
import { jobSender, objectStore, tenants, workloadRecords } from "../runtime/ports.ts";
import { step } from "../runtime/step.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { runStepSchema } from "./held-run.ts";
import { scoreLeads } from "./score-leads.ts";

const env = parseEnvironment(envSchema);
const ports = {
  tenants: tenants(env),
  records: workloadRecords(env),
  objects: objectStore(env),
  jobs: jobSender(env),
  now: Date.now,
};

export const handler = step(runStepSchema, async (input) => {
  const answer = await scoreLeads(input, ports);
  count({ LeadsFound: answer.leads, LeadsRefused: answer.refused });
  return answer;
});
