import { secretsClient } from "../adapters/aws-clients.ts";
import { anthropicBatchProvider } from "../adapters/providers/anthropic-batch-provider.ts";
import { anthropicDirectProvider } from "../adapters/providers/anthropic-direct-provider.ts";
import { openAiBatchProvider } from "../adapters/providers/openai-batch-provider.ts";
import { openAiDirectProvider } from "../adapters/providers/openai-direct-provider.ts";
import {
  anthropicClient,
  openAiClient,
  type ProviderAccess,
} from "../adapters/providers/provider-clients.ts";
import { SecretValues } from "../adapters/secret-values.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import type { Provider } from "../domain/vocabulary.ts";
import type { BatchProvider, Batches, DirectProvider, ObjectStore } from "../ports.ts";
import type { ProviderAccounts } from "./environment-fields.ts";

/** The key is asked for at every call: a rotated one is taken up within minutes, without a deployment. */
function accessOf(accounts: ProviderAccounts, provider: Provider, secrets: SecretValues): ProviderAccess {
  const { secretArn, baseUrl } = accounts[provider];
  return { apiKey: () => secrets.get(secretArn), baseUrl };
}

type ProviderEnv = { readonly PROVIDER_ACCOUNTS: ProviderAccounts; readonly STACK_NAME: string };

/** The providers' batch services. */
export function batchProviders(
  env: ProviderEnv,
  objects: ObjectStore,
): Readonly<Record<Provider, BatchProvider>> {
  const secrets = new SecretValues(secretsClient());
  const openai = openAiClient(accessOf(env.PROVIDER_ACCOUNTS, "openai", secrets));
  const anthropic = anthropicClient(accessOf(env.PROVIDER_ACCOUNTS, "anthropic", secrets));
  return {
    openai: openAiBatchProvider({ client: openai, objects, stackName: env.STACK_NAME }),
    anthropic: anthropicBatchProvider({ client: anthropic, objects }),
  };
}

/** The providers' batch services, by the batch they are for. */
export function batchProviderOf(
  env: ProviderEnv,
  batches: Batches,
  objects: ObjectStore,
): (batchId: BatchId) => Promise<BatchProvider> {
  const providers = batchProviders(env, objects);
  return async (batchId) => {
    const record = await batches.get(batchId);
    if (!record) throw new MissingRecordError(`batch ${batchId} is not registered`);
    return providers[record.plan.group.provider];
  };
}

/** The providers' direct services. */
export function directProviderOf(env: {
  readonly PROVIDER_ACCOUNTS: ProviderAccounts;
}): (provider: Provider) => Promise<DirectProvider> {
  const secrets = new SecretValues(secretsClient());
  const providers: Readonly<Record<Provider, DirectProvider>> = {
    openai: openAiDirectProvider({
      client: openAiClient(accessOf(env.PROVIDER_ACCOUNTS, "openai", secrets)),
    }),
    anthropic: anthropicDirectProvider({
      client: anthropicClient(accessOf(env.PROVIDER_ACCOUNTS, "anthropic", secrets)),
    }),
  };
  return async (provider) => providers[provider];
}
