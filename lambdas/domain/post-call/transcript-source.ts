import { z } from "zod";

/** Where a transcript lies in the gateway bucket: an object of its own, or some bytes of one. */
export type TranscriptSource = { readonly key: string; readonly offset: number; readonly length: number };

/** The same as the metadata of a job tell it, with the hash of the conversation that was found there. */
export const transcriptSourceSchema = z.object({
  key: z.string(),
  offset: z.int().nonnegative(),
  length: z.int().positive(),
  hash: z.string(),
});
