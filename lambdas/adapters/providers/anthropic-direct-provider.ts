import type { Anthropic } from "@anthropic-ai/sdk";
import type { DirectProvider } from "../../ports.ts";
import { DIRECT_CALL, directCall } from "./direct-call.ts";
import { anthropicAllowance } from "./rate-headers.ts";

/** Anthropic's Messages endpoint, called with the body as it is: it has one lane. */
export function anthropicDirectProvider({ client }: { readonly client: Anthropic }): DirectProvider {
  return {
    provider: "anthropic",
    call: (endpoint, body, signal) =>
      directCall(
        () => client.post(endpoint, { ...DIRECT_CALL, body, signal }).asResponse(),
        anthropicAllowance,
      ),
  };
}
