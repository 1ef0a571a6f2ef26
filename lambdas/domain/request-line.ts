import { encodeLine } from "./jsonl.ts";
import type { Endpoint, Provider } from "./vocabulary.ts";

/** The length of a custom id whose attempt number has one digit. */
const CUSTOM_ID_PLACEHOLDER = "x".repeat(28);

/**
 * One request as a line of a batch's input object, line feed included. OpenAI takes such lines as its input file;
 * Anthropic takes them as the elements of the array `requests`.
 */
export function encodeRequestLine(
  provider: Provider,
  customId: string,
  endpoint: Endpoint,
  body: Readonly<Record<string, unknown>>,
): string {
  return provider === "openai"
    ? encodeLine({ custom_id: customId, method: "POST", url: endpoint, body })
    : encodeLine({ custom_id: customId, params: body });
}

/** Bytes of a request's line, exact for attempts 1 to 9; each further digit of the attempt adds one. */
export function requestLineBytes(
  provider: Provider,
  endpoint: Endpoint,
  body: Readonly<Record<string, unknown>>,
): number {
  return Buffer.byteLength(encodeRequestLine(provider, CUSTOM_ID_PLACEHOLDER, endpoint, body));
}
