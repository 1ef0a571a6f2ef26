import { z } from "zod";

/** An e-mail as it lies in the gateway bucket until it is sent; who it is from the tenant's policy says then. */
export const emailSchema = z.object({
  version: z.literal(1),
  to: z.object({ name: z.string(), email: z.string() }),
  subject: z.string(),
  html: z.string(),
  text: z.string(),
});
export type Email = z.infer<typeof emailSchema>;
