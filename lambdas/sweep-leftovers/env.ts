import { z } from "zod";
import { ENVIRONMENT_FIELDS as fields } from "../runtime/environment-fields.ts";

export const envSchema = z.object({
  GATEWAY_BUCKET: fields.GATEWAY_BUCKET,
  JOB_MAP_TABLE: fields.JOB_MAP_TABLE,
  BATCHES_TABLE: fields.BATCHES_TABLE,
  TENANTS_TABLE: fields.TENANTS_TABLE,
  RUNS_QUEUE_URL: fields.RUNS_QUEUE_URL,
  RUN_BATCH_ARN: fields.RUN_BATCH_ARN,
  PROVIDER_ACCOUNTS: fields.PROVIDER_ACCOUNTS,
  STACK_NAME: fields.STACK_NAME,
});
/** What lib/ must give: a missing variable does not compile. */
export type Env = z.input<typeof envSchema>;
