import type { OpenAI } from "openai";
import type { DirectProvider } from "../../ports.ts";
import type { DirectLane } from "../../domain/vocabulary.ts";
import { DIRECT_CALL, directCall } from "./direct-call.ts";
import { openAiAllowance } from "./rate-headers.ts";

/**
 * Always named: without it OpenAI takes the tier that the project is set to, which may cost twice the price the ledger
 * knows. Embeddings have no tiers.
 */
const SERVICE_TIERS: Readonly<Record<DirectLane, string>> = { sync: "default", flex: "flex" };

/** OpenAI's endpoints, called with the body as it is: the SDK's own methods would add to it. */
export function openAiDirectProvider({ client }: { readonly client: OpenAI }): DirectProvider {
  return {
    provider: "openai",
    call: (endpoint, body, signal, lane = "sync") => {
      // The client's base URL ends in the version already.
      const path = endpoint.replace(/^\/v1/, "");
      const priced = endpoint === "/v1/embeddings" ? body : { ...body, service_tier: SERVICE_TIERS[lane] };
      return directCall(
        () => client.post(path, { ...DIRECT_CALL, body: priced, signal }).asResponse(),
        openAiAllowance,
      );
    },
  };
}
