import { z } from "zod";
import { ENVIRONMENT_FIELDS as fields } from "../runtime/environment-fields.ts";

export const envSchema = z.object({
  GATEWAY_BUCKET: fields.GATEWAY_BUCKET,
  TENANTS_TABLE: fields.TENANTS_TABLE,
  WORKLOADS_TABLE: fields.WORKLOADS_TABLE,
  VECTOR_BUCKET_ARN: fields.VECTOR_BUCKET_ARN,
  JOB_QUEUE_URLS: fields.JOB_QUEUE_URLS,
});
/** What lib/ must give: a missing variable does not compile. */
export type Env = z.input<typeof envSchema>;
