import { z } from "zod";
import { parseEnvironment } from "../runtime/environment.ts";
import { tenants, workloadRecords } from "../runtime/ports.ts";
import { step } from "../runtime/step.ts";
import { runStepSchema } from "../score-leads/held-run.ts";
import { checkLeads } from "./check-leads.ts";
import { envSchema } from "./env.ts";

const env = parseEnvironment(envSchema);
const ports = { tenants: tenants(env), records: workloadRecords(env), now: Date.now };
const payload = runStepSchema.extend({ what: z.enum(["scores", "drafts"]) });

export const handler = step(payload, (input) => checkLeads(input, ports));
