import type { Provider } from "./model-catalog.ts";
import type { SimulatorState } from "./simulator-state.ts";

/** One batch of either provider, as tests and the demo look at it. */
export interface SimulatedBatch {
  readonly provider: Provider;
  readonly id: string;
  /** In the provider's own words. */
  readonly status: string;
  readonly requests: number;
  readonly inputBytes: number;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly metadata: Readonly<Record<string, string>> | null;
}

/** Every batch that both providers ever ran, oldest first. */
export function listSimulatedBatches(simulator: SimulatorState): SimulatedBatch[] {
  const openAi = [...simulator.openAiBatches.values()].map((batch) => ({
    provider: "openai" as const,
    id: batch.id,
    status: batch.status,
    requests: batch.total,
    inputBytes: batch.inputFile.stored.bytes,
    createdAt: new Date(batch.createdAt).toISOString(),
    metadata: batch.metadata,
  }));
  const anthropic = [...simulator.anthropicBatches.values()].map((batch) => ({
    provider: "anthropic" as const,
    id: batch.id,
    status: batch.status,
    requests: batch.customIds.length,
    inputBytes: batch.requests.bytes,
    createdAt: new Date(batch.createdAt).toISOString(),
    metadata: null,
  }));
  return [...openAi, ...anthropic].sort((left, right) => left.createdAt.localeCompare(right.createdAt));
}
