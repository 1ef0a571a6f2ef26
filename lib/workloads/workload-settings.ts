import { z } from "zod";

/** Which of the workloads the stage has. Each is on for the tenants whose policies say so. */
export const workloadSettingsSchema = z
  .strictObject({
    postCall: z.boolean().default(false),
    leadScoring: z.boolean().default(false),
    reIndex: z.boolean().default(false),
    /** Keeps indexes in S3 Vectors beside the files: for regions that have it, and more chunks than an app can hold. */
    s3Vectors: z.boolean().default(false),
  })
  .refine(({ reIndex, s3Vectors }) => reIndex || !s3Vectors, {
    path: ["s3Vectors"],
    error: "is for what is re-indexed: switch reIndex on with it",
  });
