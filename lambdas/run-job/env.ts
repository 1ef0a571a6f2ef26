import { z } from "zod";
import { ENVIRONMENT_FIELDS as fields } from "../runtime/environment-fields.ts";

export const envSchema = z.object({
  GATEWAY_BUCKET: fields.GATEWAY_BUCKET,
  JOB_MAP_TABLE: fields.JOB_MAP_TABLE,
  TENANTS_TABLE: fields.TENANTS_TABLE,
  DELIVERIES_QUEUE_URL: fields.DELIVERIES_QUEUE_URL,
  RUNS_QUEUE_URL: fields.RUNS_QUEUE_URL,
  WORKLOAD_QUEUES: fields.WORKLOAD_QUEUES,
  FLEX_RUNS_QUEUE_URL: fields.FLEX_RUNS_QUEUE_URL,
  HEDGE_SHARE: fields.HEDGE_SHARE,
  DEAD_LETTER_QUEUE_URLS: fields.DEAD_LETTER_QUEUE_URLS,
  TIER_DUE_SECONDS: fields.TIER_DUE_SECONDS,
  MAX_REQUEST_BYTES: fields.MAX_REQUEST_BYTES,
  TENANT_LEDGER_TABLE: fields.TENANT_LEDGER_TABLE,
  PROVIDER_ACCOUNTS: fields.PROVIDER_ACCOUNTS,
});
/** What lib/ must give: a missing variable does not compile. */
export type Env = z.input<typeof envSchema>;
