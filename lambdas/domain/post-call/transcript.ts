import { z } from "zod";
import { contentHash } from "../ids.ts";

/** Bytes of one transcript as JSON: some ten hours of talk. What is longer is no call. */
export const MAX_TRANSCRIPT_BYTES = 512 * 1024;

const CONTROL = /[\p{Cc}\p{Cs}]/u;
const callIdSchema = z
  .string()
  .min(1)
  .max(200)
  .refine((id) => !CONTROL.test(id), { error: "1 to 200 characters, no control characters" });

const textError = { error: "must be a text" };
const turnSchema = z.object({ speaker: z.string(textError).max(200), text: z.string(textError) });

/**
 * One call as it is dropped or sent: who said what, in order. Fields that are not named here are left out and never reach
 * a provider. Without `call_id` a call is known by its content.
 */
export const transcriptSchema = z.object(
  {
    call_id: callIdSchema.optional(),
    turns: z.array(turnSchema, { error: "must be a list of { speaker, text }" }).min(1),
  },
  { error: "must be one call; several go into an object .jsonl, one a line" },
);
export type Transcript = z.infer<typeof transcriptSchema>;

/**
 * The conversation as the model reads it, a line for each turn. No turn can look like two, nor like the end of the
 * transcript: line breaks become spaces, and the delimiter's own name is broken up.
 */
export function transcriptText({ turns }: Transcript): string {
  return turns.map(({ speaker, text }) => `${oneLine(speaker)}: ${oneLine(text)}`).join("\n");
}

function oneLine(text: string): string {
  return text
    .replaceAll(/[\s\p{Cc}\u2028\u2029]+/gu, " ")
    .trim()
    .replaceAll(/<(?=\s*\/?\s*transcript)/gi, "‹");
}

/** The same for the same conversation, whatever the call is called. */
export function transcriptHash(transcript: Transcript): string {
  return contentHash(transcriptText(transcript));
}

/** What a call is known by: its own id, or its content. */
export function callName(transcript: Transcript): string {
  return transcript.call_id ?? transcriptHash(transcript);
}
