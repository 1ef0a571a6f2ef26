import { z } from "zod";

/** What the gateway's thread is started with. */
export const gatewayDataSchema = z.object({
  bucketFolder: z.string(),
  providerFolder: z.string(),
});
export type GatewayData = z.infer<typeof gatewayDataSchema>;
