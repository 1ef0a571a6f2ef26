import { htmlToMarkdown } from "./html-to-markdown.ts";

/** Bytes of the largest document. Splitting one that is a single word takes seconds, and no other waits for it for long. */
export const MAX_DOCUMENT_BYTES = 2 * 1024 * 1024;

const KINDS: Readonly<Record<string, "markdown" | "text" | "html">> = {
  md: "markdown",
  markdown: "markdown",
  txt: "text",
  html: "html",
  htm: "html",
};

type Refusal = {
  readonly code: "too_large" | "unsupported_type" | "not_text" | "empty";
  readonly message: string;
};

export type ReadDocument =
  | { readonly kind: "text"; readonly text: string; readonly hasHeadings: boolean }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Before any byte is read: whether documents of this name are read at all. */
function refusalOfName(source: string): Refusal | undefined {
  if (kindOf(source) !== undefined) return undefined;
  const known = Object.keys(KINDS).map((ending) => `.${ending}`);
  return { code: "unsupported_type", message: `documents are ${known.join(", ")}` };
}

/** The text of a document, HTML as Markdown without what is not read by people: scripts, styles, comments. */
export function readDocument(source: string, bytes: Uint8Array): ReadDocument {
  const unread = refusalOfName(source);
  if (unread) return { kind: "refused", refusal: unread };
  if (bytes.byteLength > MAX_DOCUMENT_BYTES) {
    const message = `a document has at most ${MAX_DOCUMENT_BYTES} bytes`;
    return { kind: "refused", refusal: { code: "too_large", message } };
  }
  const decoded = decode(bytes);
  if (decoded === undefined)
    return { kind: "refused", refusal: { code: "not_text", message: "the document is not UTF-8 text" } };
  const text = kindOf(source) === "html" ? htmlToMarkdown(decoded) : decoded;
  if (text.trim() === "")
    return { kind: "refused", refusal: { code: "empty", message: "the document holds no text" } };
  return { kind: "text", text, hasHeadings: kindOf(source) !== "text" };
}

function kindOf(source: string) {
  return KINDS[/\.([a-z]+)$/i.exec(source)?.[1]?.toLowerCase() ?? ""];
}

/** UTF-8 without control characters, but for those of layout; a byte order mark is dropped. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return /[^\P{Cc}\t\n\v\f\r\u0085]/u.test(text) ? undefined : text.replaceAll(/\r\n?/g, "\n");
  } catch {
    return undefined;
  }
}
