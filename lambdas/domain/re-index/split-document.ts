import { RecursiveCharacterTextSplitter } from "@langchain/textsplitters";
import { countTokens } from "gpt-tokenizer/encoding/cl100k_base";
import { contentHash } from "../ids.ts";
import { type Section, sectionsOf } from "./sections.ts";

/** Tokens of a chunk at most, its headings not counted, and of the end of the chunk before that it repeats. */
const CHUNK_TOKENS = 512;
const OVERLAP_TOKENS = 64;
/** Chunks that were made in another way are not the same text: raised with every change of how documents are split. */
export const SPLITTING = 1;

export type Chunk = {
  readonly headings: readonly string[];
  readonly text: string;
  /** Names what is embedded: the headings and the text. 32 hex digits. */
  readonly hash: string;
};

/** A piece that is counted: merging takes the square of the length of a word, and some texts have no spaces. */
const PIECE_CHARACTERS = 256;
/** Text that looks like a control token is text all the same. */
const AS_TEXT = { disallowedSpecial: new Set<string>() };

/** Tokens by the encoding of OpenAI's embedding models; a word longer than a piece is counted in parts. */
function tokensOf(text: string): number {
  let tokens = 0;
  for (let start = 0; start < text.length; start += PIECE_CHARACTERS)
    tokens += countTokens(text.slice(start, start + PIECE_CHARACTERS), AS_TEXT);
  return tokens;
}

/**
 * The chunks of a document in its order, cut at paragraphs, lines and sentences where that is possible, each under its
 * headings. The same text always gives the same chunks, and a change in one section leaves those of the others alone.
 */
export async function splitDocument(text: string, hasHeadings: boolean): Promise<Chunk[]> {
  const splitter = new RecursiveCharacterTextSplitter({
    chunkSize: CHUNK_TOKENS,
    chunkOverlap: OVERLAP_TOKENS,
    separators: ["\n\n", "\n", ". ", " ", ""],
    keepSeparator: true,
    lengthFunction: tokensOf,
  });
  const sections: readonly Section[] = hasHeadings ? sectionsOf(text) : [{ headings: [], text }];
  const chunks: Chunk[] = [];
  for (const { headings, text: body } of sections)
    for (const piece of await splitter.splitText(body))
      chunks.push({ headings, text: piece, hash: contentHash(embeddedText({ headings, text: piece }), 32) });
  return chunks;
}

/** What the model is given of a chunk. */
export function embeddedText({ headings, text }: Pick<Chunk, "headings" | "text">): string {
  return headings.length === 0 ? text : `${headings.join(" > ")}\n\n${text}`;
}
