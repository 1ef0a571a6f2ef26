import { TerminalError } from "../domain/failures.ts";

/** Bytes of a message, and of one SendMessageBatch, attributes included: SQS's limit. */
export const MAX_SEND_BYTES = 1_048_576;

export type OutgoingMessage = {
  readonly body: string;
  /** String attributes by name. */
  readonly attributes?: Readonly<Record<string, string>>;
};

/** What SQS counts of a message: its body, and each attribute's name, type (`String`) and value, in UTF-8. */
export function messageBytes({ body, attributes = {} }: OutgoingMessage): number {
  let bytes = Buffer.byteLength(body);
  for (const [name, value] of Object.entries(attributes))
    bytes += Buffer.byteLength(name) + "String".length + Buffer.byteLength(value);
  return bytes;
}

/** Throws TerminalError for a message that no queue takes. */
export function checkMessageSize(message: OutgoingMessage): void {
  const bytes = messageBytes(message);
  if (bytes > MAX_SEND_BYTES)
    throw new TerminalError(`a message of ${bytes} bytes: SQS takes ${MAX_SEND_BYTES} at most`);
}
