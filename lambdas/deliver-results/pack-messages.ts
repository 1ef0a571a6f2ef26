import type { ResultMessage } from "../domain/result-message.ts";

/** SQS takes 1 MiB a message and a send; results are packed below it, with room for the envelope. */
const MAX_MESSAGE_BYTES = 1_000_000;
/** A message is billed by 64 KiB and handled as a whole: past this, a new one begins. */
const TARGET_MESSAGE_BYTES = 192 * 1024;
const MAX_RESULTS = 200;
const MESSAGES_PER_SEND = 10;

export type PackedMessage = { readonly body: string; readonly results: number };

/** Packs one tenant's results into message bodies, in groups of at most ten. A response too large to inline becomes null. */
export async function* packMessages(results: AsyncIterable<ResultMessage>): AsyncGenerator<PackedMessage[]> {
  let send: PackedMessage[] = [];
  let texts: string[] = [];
  let bytes = 0;
  const close = () => {
    if (texts.length > 0) send.push({ body: envelope(texts), results: texts.length });
    texts = [];
    bytes = 0;
  };
  for await (const result of results) {
    const text = inlined(result);
    const size = Buffer.byteLength(text) + 1;
    if (texts.length >= MAX_RESULTS || (texts.length > 0 && bytes + size > TARGET_MESSAGE_BYTES)) close();
    if (send.length >= MESSAGES_PER_SEND) {
      yield send;
      send = [];
    }
    texts.push(text);
    bytes += size;
  }
  close();
  if (send.length > 0) yield send;
}

function inlined(result: ResultMessage): string {
  const text = JSON.stringify(result);
  return Buffer.byteLength(text) <= MAX_MESSAGE_BYTES ? text : JSON.stringify({ ...result, response: null });
}

function envelope(texts: readonly string[]): string {
  return texts.length === 1 ? (texts[0] ?? "") : `{"version":1,"results":[${texts.join(",")}]}`;
}
