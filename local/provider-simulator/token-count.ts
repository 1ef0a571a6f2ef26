/**
 * The simulator's tokenizer: four UTF-16 code units are one token. Real tokenizers differ by model; what matters here
 * is that the count is exact, repeatable and additive over prefixes, so that every cost can be worked by hand.
 */
export const CHARACTERS_PER_TOKEN = 4;

/** Tokens of a text: a rest of fewer than four characters is a token too. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

/** The longest beginning of `text` that has at most `tokens` tokens. */
export function truncateToTokens(text: string, tokens: number): string {
  return text.slice(0, Math.max(0, tokens) * CHARACTERS_PER_TOKEN);
}
