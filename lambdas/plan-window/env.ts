import { z } from "zod";
import { ENVIRONMENT_FIELDS as fields } from "../runtime/environment-fields.ts";

export const envSchema = z.object({
  GATEWAY_BUCKET: fields.GATEWAY_BUCKET,
  BATCHES_TABLE: fields.BATCHES_TABLE,
  JOB_MAP_TABLE: fields.JOB_MAP_TABLE,
  RUNS_QUEUE_URL: fields.RUNS_QUEUE_URL,
  TENANTS_TABLE: fields.TENANTS_TABLE,
  BATCH_CAPS: fields.BATCH_CAPS,
  MIN_BATCH_JOBS: fields.MIN_BATCH_JOBS,
  BATCH_LEAD_SECONDS: fields.BATCH_LEAD_SECONDS,
  MAX_WINDOW_JOBS: fields.MAX_WINDOW_JOBS,
  ESCALATION: fields.ESCALATION,
  LANES: fields.LANES,
  HEADROOM: fields.HEADROOM,
});
/** What lib/ must give: a missing variable does not compile. */
export type Env = z.input<typeof envSchema>;
