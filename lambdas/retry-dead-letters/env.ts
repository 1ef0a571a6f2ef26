import { z } from "zod";
import { ENVIRONMENT_FIELDS as fields } from "../runtime/environment-fields.ts";

export const envSchema = z.object({
  GATEWAY_BUCKET: fields.GATEWAY_BUCKET,
  DEAD_LETTER_QUEUE_URLS: fields.DEAD_LETTER_QUEUE_URLS,
  OWN_DEAD_LETTER_QUEUE_URLS: fields.OWN_DEAD_LETTER_QUEUE_URLS,
  RUNS_QUEUE_URL: fields.RUNS_QUEUE_URL,
  DELIVERIES_QUEUE_URL: fields.DELIVERIES_QUEUE_URL,
});
/** What lib/ must give: a missing variable does not compile. */
export type Env = z.input<typeof envSchema>;
