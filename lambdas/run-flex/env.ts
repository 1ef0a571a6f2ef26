import { z } from "zod";
import { ENVIRONMENT_FIELDS as fields } from "../runtime/environment-fields.ts";

export const envSchema = z.object({
  GATEWAY_BUCKET: fields.GATEWAY_BUCKET,
  JOB_MAP_TABLE: fields.JOB_MAP_TABLE,
  DELIVERIES_QUEUE_URL: fields.DELIVERIES_QUEUE_URL,
  RUNS_QUEUE_URL: fields.RUNS_QUEUE_URL,
  DEAD_LETTER_QUEUE_URLS: fields.DEAD_LETTER_QUEUE_URLS,
  TENANT_LEDGER_TABLE: fields.TENANT_LEDGER_TABLE,
  PROVIDER_ACCOUNTS: fields.PROVIDER_ACCOUNTS,
  FLEX_CALL_SECONDS: fields.FLEX_CALL_SECONDS,
});
/** What lib/ must give: a missing variable does not compile. */
export type Env = z.input<typeof envSchema>;
