import { schemaProblem } from "../schema-problem.ts";
import type { Refusal } from "./refusal.ts";
import { MAX_TRANSCRIPT_BYTES, type Transcript, transcriptSchema } from "./transcript.ts";

export type TranscriptRead =
  | { readonly kind: "read"; readonly transcript: Transcript }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** One transcript from the bytes of its JSON. Reasons never repeat what the bytes say. */
export function readTranscript(bytes: Uint8Array): TranscriptRead {
  if (bytes.length > MAX_TRANSCRIPT_BYTES) {
    const message = `a transcript has at most ${MAX_TRANSCRIPT_BYTES} bytes; this one has ${bytes.length}`;
    return refused("transcript_too_large", message);
  }
  const text = utf8Text(bytes);
  if (text === undefined) return refused("not_text", "this is not UTF-8 text");
  const json = parseJson(text);
  if (json === undefined) return refused("invalid_json", "this is not JSON");
  const parsed = transcriptSchema.safeParse(json);
  return parsed.success
    ? { kind: "read", transcript: parsed.data }
    : refused("invalid_transcript", schemaProblem(parsed.error));
}

function refused(code: Refusal["code"], message: string): TranscriptRead {
  return { kind: "refused", refusal: { code, message } };
}

/** Undefined for bytes that are not UTF-8. A byte order mark is left out. */
function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Undefined for what is not JSON, or is nested so deeply that nobody can read it. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
