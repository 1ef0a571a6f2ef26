import { z } from "zod";
import { ENVIRONMENT_FIELDS as fields } from "../runtime/environment-fields.ts";

export const envSchema = z.object({
  GATEWAY_BUCKET: fields.GATEWAY_BUCKET,
  BATCHES_TABLE: fields.BATCHES_TABLE,
  JOB_MAP_TABLE: fields.JOB_MAP_TABLE,
  TENANT_LEDGER_TABLE: fields.TENANT_LEDGER_TABLE,
  DELIVERIES_QUEUE_URL: fields.DELIVERIES_QUEUE_URL,
  RUNS_QUEUE_URL: fields.RUNS_QUEUE_URL,
  WAIT_FACTOR: fields.WAIT_FACTOR,
  DEAD_LETTER_QUEUE_URLS: fields.DEAD_LETTER_QUEUE_URLS,
});
/** What lib/ must give: a missing variable does not compile. */
export type Env = z.input<typeof envSchema>;
