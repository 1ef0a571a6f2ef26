import { z } from "zod";

/** Which of the workloads the stage has. Each is on for the tenants whose policies say so. */
export const workloadSettingsSchema = z.strictObject({
  postCall: z.boolean().default(false),
  leadScoring: z.boolean().default(false),
  reIndex: z.boolean().default(false),
});
