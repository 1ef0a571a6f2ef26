import type { OpenAI } from "openai";
import type { DirectProvider } from "../../ports.ts";
import { DIRECT_CALL, directCall } from "./direct-call.ts";

/** OpenAI's endpoints, called with the body as it is: the SDK's own methods would add to it. */
export function openAiDirectProvider({ client }: { readonly client: OpenAI }): DirectProvider {
  return {
    provider: "openai",
    call: (endpoint, body, signal) => {
      // The client's base URL ends in the version already.
      const path = endpoint.replace(/^\/v1/, "");
      return directCall(() => client.post(path, { ...DIRECT_CALL, body, signal }).asResponse());
    },
  };
}
