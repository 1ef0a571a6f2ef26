import { anthropicBatchProvider } from "../../lambdas/adapters/providers/anthropic-batch-provider.ts";
import { openAiBatchProvider } from "../../lambdas/adapters/providers/openai-batch-provider.ts";
import { anthropicClient, openAiClient } from "../../lambdas/adapters/providers/provider-clients.ts";
import { describeBatchOutput } from "./batch-output-contract.ts";
import type { ProviderUnderTest } from "./batch-provider-bench.ts";
import { describeBatchProvider } from "./batch-provider-contract.ts";

const OPENAI: ProviderUnderTest = {
  name: "openai",
  endpoint: "/v1/chat/completions",
  model: "gpt-4.1-nano",
  onRepeatedId: "batch-fails",
  connect: (simulator, objects) => {
    const client = openAiClient({ apiKey: "sk-test", baseUrl: simulator.openaiBaseUrl });
    return openAiBatchProvider({ client, objects, stackName: "offpeak-test" });
  },
};

const ANTHROPIC: ProviderUnderTest = {
  name: "anthropic",
  endpoint: "/v1/messages",
  model: "claude-haiku-4-5",
  onRepeatedId: "create-refused",
  connect: (simulator, objects) => {
    const client = anthropicClient({
      apiKey: async () => "sk-ant-test",
      baseUrl: simulator.anthropicBaseUrl,
    });
    return anthropicBatchProvider({ client, objects });
  },
};

for (const subject of [OPENAI, ANTHROPIC]) {
  describeBatchProvider(subject);
  describeBatchOutput(subject);
}
