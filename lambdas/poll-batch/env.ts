import { z } from "zod";
import { ENVIRONMENT_FIELDS as fields } from "../runtime/environment-fields.ts";

export const envSchema = z.object({
  GATEWAY_BUCKET: fields.GATEWAY_BUCKET,
  BATCHES_TABLE: fields.BATCHES_TABLE,
  PROVIDER_ACCOUNTS: fields.PROVIDER_ACCOUNTS,
  STACK_NAME: fields.STACK_NAME,
  ESCALATION: fields.ESCALATION,
});
/** What lib/ must give: a missing variable does not compile. */
export type Env = z.input<typeof envSchema>;
