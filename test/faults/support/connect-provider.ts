import { anthropicBatchProvider } from "../../../lambdas/adapters/providers/anthropic-batch-provider.ts";
import { anthropicDirectProvider } from "../../../lambdas/adapters/providers/anthropic-direct-provider.ts";
import { openAiBatchProvider } from "../../../lambdas/adapters/providers/openai-batch-provider.ts";
import { openAiDirectProvider } from "../../../lambdas/adapters/providers/openai-direct-provider.ts";
import { anthropicClient, openAiClient } from "../../../lambdas/adapters/providers/provider-clients.ts";
import type { BatchProvider, DirectProvider, ObjectStore } from "../../../lambdas/ports.ts";
import type { ProviderSimulator } from "../../../local/provider-simulator/start-provider-simulator.ts";

/** Our adapters on the official SDKs, pointed at the simulator. */
export function connectProvider(
  name: "openai" | "anthropic",
  simulator: ProviderSimulator,
  objects: ObjectStore,
): { readonly batchProvider: BatchProvider; readonly direct: DirectProvider } {
  if (name === "openai") {
    const client = openAiClient({ apiKey: "sk-test", baseUrl: simulator.openaiBaseUrl });
    return {
      batchProvider: openAiBatchProvider({ client, objects, stackName: "offpeak-test" }),
      direct: openAiDirectProvider({ client }),
    };
  }
  const client = anthropicClient({ apiKey: "sk-ant-test", baseUrl: simulator.anthropicBaseUrl });
  return {
    batchProvider: anthropicBatchProvider({ client, objects }),
    direct: anthropicDirectProvider({ client }),
  };
}
