import { countTokens, setMergeCacheSize } from "gpt-tokenizer/encoding/o200k_base";
import type { Provider } from "./vocabulary.ts";

/**
 * Characters that are counted exactly. Admission may not spend a second on one job: of a longer prompt as much is counted,
 * in pieces from all over it, and the rest is taken to be like them.
 */
const COUNTED_CHARACTERS = 16_384;
/**
 * A piece: merging takes the square of the length of a word, and some scripts have no spaces. Cutting a text costs at most
 * a token or two at each cut.
 */
const PIECE_CHARACTERS = 512;

/** What OpenAI adds for each message of a chat, and once for the answer's beginning (its cookbook on counting tokens). */
const MESSAGE_TOKENS = 4;
const ANSWER_START_TOKENS = 3;
/** About the most that an image of ordinary size is billed as at either provider; a few small models bill far more. */
const IMAGE_TOKENS = 1600;
/** Base64 of a file whose text nobody has read yet. */
const FILE_CHARACTERS_PER_TOKEN = 4;
/**
 * Anthropic publishes no tokenizer. Its newest models are said to need up to 1.35 times the tokens of those before them
 * for the same text: a margin for reservations, not a measurement.
 */
const PROVIDER_FACTORS: Readonly<Record<Provider, number>> = { openai: 1, anthropic: 1.35 };

/** The fields of a request's body that the model reads. */
const PROMPT_FIELDS = ["system", "instructions", "messages", "input"];
/** Read by the model as JSON, or as something about as long. */
const SCHEMA_FIELDS = ["tools", "response_format", "text"];
/** What a block is, and nothing that it says. */
const LABELS: ReadonlySet<string> = new Set(["type", "role", "id", "detail", "media_type", "cache_control"]);
const IMAGES: ReadonlySet<unknown> = new Set(["image", "image_url", "input_image"]);
const FILES: ReadonlySet<unknown> = new Set(["file", "input_file", "document"]);

/** Text that looks like a control token is text all the same: a tenant may write anything. */
const AS_TEXT = { disallowedSpecial: new Set<string>() };

// Words are kept with their tokens, and anybody may send long ones: some ten megabytes at the most.
setMergeCacheSize(10_000);

/**
 * The input tokens of a request's body, near enough for headroom and reservations; what is billed are the provider's own.
 * By OpenAI's o200k_base for both providers. Pure, and bounded in time whatever the body holds.
 */
export function estimateInputTokens(provider: Provider, body: Readonly<Record<string, unknown>>): number {
  const found: Found = { texts: [], tokens: 0 };
  for (const field of PROMPT_FIELDS) collect(body[field], found);
  for (const field of SCHEMA_FIELDS)
    if (body[field] !== undefined) found.texts.push(JSON.stringify(body[field]));
  if (body["messages"] !== undefined) found.tokens += ANSWER_START_TOKENS;
  const tokens = found.tokens + textTokens(found.texts.join("\n"));
  return Math.max(1, Math.ceil(tokens * PROVIDER_FACTORS[provider]));
}

/** Texts in the order in which the model reads them, and the tokens of what is no text. */
type Found = { readonly texts: string[]; tokens: number };

function collect(value: unknown, found: Found): void {
  if (typeof value === "string") found.texts.push(value);
  // A text to embed, given as tokens.
  else if (typeof value === "number") found.tokens += 1;
  else if (Array.isArray(value)) for (const item of value) collect(item, found);
  else if (typeof value === "object" && value !== null) collectBlock(value, found);
}

function collectBlock(block: object, found: Found): void {
  const fields = Object.entries(block);
  const type: unknown = Reflect.get(block, "type");
  if (IMAGES.has(type)) {
    found.tokens += IMAGE_TOKENS;
    return;
  }
  if (FILES.has(type)) {
    found.tokens += Math.ceil(JSON.stringify(block).length / FILE_CHARACTERS_PER_TOKEN);
    return;
  }
  if ("role" in block) found.tokens += MESSAGE_TOKENS;
  for (const [name, value] of fields) if (!LABELS.has(name)) collect(value, found);
}

/** Exact up to `COUNTED_CHARACTERS` but for the cuts; beyond, by pieces spread evenly over the text. */
function textTokens(text: string): number {
  const pieces = Math.ceil(Math.min(text.length, COUNTED_CHARACTERS) / PIECE_CHARACTERS);
  const stride = text.length <= COUNTED_CHARACTERS ? PIECE_CHARACTERS : text.length / pieces;
  let characters = 0;
  let tokens = 0;
  for (let number = 0; number < pieces; number += 1) {
    const start = Math.floor(number * stride);
    const piece = text.slice(start, start + PIECE_CHARACTERS);
    characters += piece.length;
    tokens += countTokens(piece, AS_TEXT);
  }
  return characters === 0 ? 0 : Math.ceil((tokens * text.length) / characters);
}
