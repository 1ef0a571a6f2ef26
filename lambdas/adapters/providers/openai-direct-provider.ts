import type { OpenAI } from "openai";
import type { DirectProvider } from "../../ports.ts";
import { DIRECT_CALL, directCall } from "./direct-call.ts";

/**
 * Without it OpenAI takes the tier that the project is set to, which may cost twice the price the ledger knows.
 * Embeddings have no tiers.
 */
const STANDARD_TIER = { service_tier: "default" };

/** OpenAI's endpoints, called with the body as it is: the SDK's own methods would add to it. */
export function openAiDirectProvider({ client }: { readonly client: OpenAI }): DirectProvider {
  return {
    provider: "openai",
    call: (endpoint, body, signal) => {
      // The client's base URL ends in the version already.
      const path = endpoint.replace(/^\/v1/, "");
      const priced = endpoint === "/v1/embeddings" ? body : { ...body, ...STANDARD_TIER };
      return directCall(() => client.post(path, { ...DIRECT_CALL, body: priced, signal }).asResponse());
    },
  };
}
