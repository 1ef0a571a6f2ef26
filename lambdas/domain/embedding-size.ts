/** The longest vectors that the priced models give, when a request does not ask for shorter ones. */
const MOST_DIMENSIONS = 3072;
/** Bytes of one number as providers write it in JSON, its comma included; base64 takes a third of it. */
const BYTES_PER_NUMBER = 13;

/** Bytes of the answer to an embeddings request, at most: it grows with the inputs, not with their length. */
export function embeddingAnswerBytes(inputs: number, body: Readonly<Record<string, unknown>>): number {
  const { dimensions } = body;
  return inputs * (typeof dimensions === "number" ? dimensions : MOST_DIMENSIONS) * BYTES_PER_NUMBER;
}
