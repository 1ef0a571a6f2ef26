import { z } from "zod";
import { tenantIdSchema } from "../domain/ids.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { tenants, workloadRecords } from "../runtime/ports.ts";
import { step } from "../runtime/step.ts";
import { envSchema } from "./env.ts";
import { findLeadRuns } from "./find-lead-runs.ts";

const env = parseEnvironment(envSchema);
const ports = { tenants: tenants(env), records: workloadRecords(env), now: Date.now };
const payload = z.object({
  holder: z.string().min(1),
  rerun: z.object({ tenantId: tenantIdSchema, day: z.iso.date() }).nullable(),
});

export const handler = step(payload, async (input) => ({ runs: await findLeadRuns(input, ports) }));
