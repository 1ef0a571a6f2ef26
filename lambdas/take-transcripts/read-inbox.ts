import { jsonLines } from "../domain/jsonl.ts";
import { readTranscript } from "../domain/post-call/read-transcript.ts";
import type { Refusal } from "../domain/post-call/refusal.ts";
import { MAX_TRANSCRIPT_BYTES, type Transcript } from "../domain/post-call/transcript.ts";
import type { TranscriptSource } from "../domain/post-call/transcript-source.ts";
import type { ObjectStore } from "../ports.ts";

/** Bytes of an object that is read in one go, within the time that a function has: some 10,000 calls and more. */
const MAX_OBJECT_BYTES = 32 * 1024 * 1024;
/** Lines of an object that are refused one by one: of a file that holds something else, nobody wants to hear more. */
const MOST_BAD_LINES = 100;

type FoundCall = { readonly transcript: Transcript; readonly source: TranscriptSource };

export type InboxItem =
  | { readonly kind: "call"; readonly call: FoundCall }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * What an object of an inbox holds, as a stream: `*.json` one transcript, `*.jsonl` and `*.ndjson` one a line. A line that
 * is no transcript is refused by itself; an object that is no such file at all, as a whole.
 */
export async function* readInbox(key: string, objects: ObjectStore): AsyncGenerator<InboxItem> {
  const type = /\.(json|jsonl|ndjson)$/i.exec(key)?.[1]?.toLowerCase();
  if (type === undefined) {
    yield refused("unsupported_type", "the object's name must end in .json, .jsonl or .ndjson");
    return;
  }
  const size = await objects.size(key);
  if (size === undefined) return yield refused("object_missing", "the object was gone before it was read");
  if (size === 0) return yield refused("empty_object", "the object is empty");
  const largest = type === "json" ? MAX_TRANSCRIPT_BYTES : MAX_OBJECT_BYTES;
  if (size > largest) {
    const advice = type === "json" ? "" : ": divide it";
    return yield refused("object_too_large", `${size} bytes; at most ${largest} are read${advice}`);
  }
  if (type === "json") yield* readDocument(key, objects);
  else yield* readLines(key, objects);
}

async function* readDocument(key: string, objects: ObjectStore): AsyncGenerator<InboxItem> {
  const bytes = await objects.get(key);
  if (bytes === undefined) return yield refused("object_missing", "the object was gone before it was read");
  const read = readTranscript(bytes);
  yield read.kind === "refused" ? read : callOf(read.transcript, { key, offset: 0, length: bytes.length });
}

async function* readLines(key: string, objects: ObjectStore): AsyncGenerator<InboxItem> {
  let line = 0;
  let bad = 0;
  for await (const { bytes, offset, length } of jsonLines(objects.stream(key))) {
    line += 1;
    const read = readTranscript(bytes);
    if (read.kind === "read") {
      yield callOf(read.transcript, { key, offset, length });
      continue;
    }
    const { refusal } = read;
    yield { kind: "refused", refusal: { ...refusal, line } };
    bad += 1;
    // Bytes that are no text have no lines either: what follows is more of the same.
    if (refusal.code === "not_text") return;
    if (bad === MOST_BAD_LINES) {
      const message = `${bad} lines were refused: nothing is read from line ${line + 1} on`;
      return yield refused("too_many_bad_lines", message);
    }
  }
}

function refused(code: Refusal["code"], message: string): InboxItem {
  return { kind: "refused", refusal: { code, message } };
}

function callOf(transcript: Transcript, source: TranscriptSource): InboxItem {
  return { kind: "call", call: { transcript, source } };
}
