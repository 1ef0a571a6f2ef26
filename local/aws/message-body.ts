import { createHash } from "node:crypto";

// A private-use character, first in a body that is stored in another form than it was sent.
const MARK = "\u{E000}";

/**
 * The form of a message body that fauxqs takes: it refuses characters above U+FFFF (emoji, say), which SQS allows.
 * They grow by three or four bytes, so a body of that kind within a few bytes of 1 MiB is refused here only.
 */
export function storedBody(body: string): string {
  if (!/[\u{10000}-\u{10FFFF}]/u.test(body) && !body.startsWith(MARK)) return body;
  const escaped = body.replaceAll(
    /[%\u{10000}-\u{10FFFF}]/gu,
    (character) => `%${(character.codePointAt(0) ?? 0).toString(16)};`,
  );
  return MARK + escaped;
}

/** The body as it was sent. */
export function originalBody(stored: string): string {
  if (!stored.startsWith(MARK)) return stored;
  return stored
    .slice(MARK.length)
    .replaceAll(/%([\da-f]+);/g, (_escape, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, 16)),
    );
}

/** What SQS answers in MD5OfMessageBody, which its clients check. */
export function bodyDigest(body: string): string {
  return createHash("md5").update(body).digest("hex");
}
