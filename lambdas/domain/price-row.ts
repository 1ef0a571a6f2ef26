import { z } from "zod";
import { laneSchema, providerSchema } from "./vocabulary.ts";

const dollarsPerMillionSchema = z.string().regex(/^\d+(\.\d{1,6})?$/);

/**
 * One row of the price table: what a model costs in a lane from a day on, in dollars per million tokens as the
 * provider prints it. `null`: the provider does not sell that component here; tokens reported under it are billed as
 * plain input. `cachedInput: null` in the batch lane is the published case (gpt-4o, gpt-4.1 and older).
 */
export const priceRowSchema = z.object({
  provider: providerSchema,
  model: z.string(),
  lane: laneSchema,
  /** First UTC day on which the row holds, `YYYY-MM-DD`. */
  from: z.iso.date(),
  input: dollarsPerMillionSchema,
  cachedInput: dollarsPerMillionSchema.nullable(),
  cacheWrite5m: dollarsPerMillionSchema.nullable(),
  cacheWrite1h: dollarsPerMillionSchema.nullable(),
  output: dollarsPerMillionSchema,
  source: z.string(),
});
export type PriceRow = z.infer<typeof priceRowSchema>;
