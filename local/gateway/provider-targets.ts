import { z } from "zod";
import type { ProviderSimulatorThread } from "../provider-simulator/start-provider-simulator-thread.ts";

type ProviderTarget = {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly simulated: boolean;
};
export type ProviderTargets = { readonly openai: ProviderTarget; readonly anthropic: ProviderTarget };

const SIMULATED_KEY = "simulated-key";

const environmentSchema = z.object({
  OPENAI_BASE_URL: z.url().optional(),
  OPENAI_API_KEY: z.string().min(1).optional(),
  ANTHROPIC_BASE_URL: z.url().optional(),
  ANTHROPIC_API_KEY: z.string().min(1).optional(),
});

/**
 * Where each provider is reached: at the address of the environment, with its key, or else at the simulator. A key
 * without an address is not enough: nothing on this machine calls a provider, and spends money, unless it is named.
 */
export function providerTargets(
  environment: Readonly<Record<string, string | undefined>>,
  simulator: Pick<ProviderSimulatorThread, "openaiBaseUrl" | "anthropicBaseUrl"> | undefined,
): ProviderTargets {
  const given = environmentSchema.parse(environment);
  return {
    openai: target(given.OPENAI_BASE_URL, given.OPENAI_API_KEY, simulator?.openaiBaseUrl),
    anthropic: target(given.ANTHROPIC_BASE_URL, given.ANTHROPIC_API_KEY, simulator?.anthropicBaseUrl),
  };
}

function target(
  baseUrl: string | undefined,
  apiKey: string | undefined,
  simulated: string | undefined,
): ProviderTarget {
  if (baseUrl !== undefined) return { baseUrl, apiKey: apiKey ?? SIMULATED_KEY, simulated: false };
  if (simulated === undefined) throw new Error("neither a base URL nor a simulator is there for a provider");
  return { baseUrl: simulated, apiKey: SIMULATED_KEY, simulated: true };
}
