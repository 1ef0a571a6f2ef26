import { parseEnvironment } from "../runtime/environment.ts";
import { objectStore, tenants, workloadRecords } from "../runtime/ports.ts";
import { step } from "../runtime/step.ts";
import { count } from "../runtime/telemetry.ts";
import { runStepSchema } from "../score-leads/held-run.ts";
import { envSchema } from "./env.ts";
import { renderDrafts } from "./render-drafts.ts";

const env = parseEnvironment(envSchema);
const ports = {
  tenants: tenants(env),
  records: workloadRecords(env),
  objects: objectStore(env),
  now: Date.now,
};

export const handler = step(runStepSchema, async (input) => {
  const answer = await renderDrafts(input, ports);
  count({ DraftsRendered: answer.rendered, DraftsUnrendered: answer.unrendered });
  return answer;
});
