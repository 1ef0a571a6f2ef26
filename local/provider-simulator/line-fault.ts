import type { BatchFaults } from "./faults.ts";
import type { Provider } from "./model-catalog.ts";
import { injectedRefusal, type Refusal } from "./provider-errors.ts";
import { hashText } from "./seeded-random.ts";

/** The error that a fault gives to this line, if it is one of those named or falls into the fraction by its hash. */
export function lineFault(provider: Provider, fault: BatchFaults["lines"], customId: string): Refusal | null {
  if (!fault) return null;
  const isNamed = fault.customIds?.includes(customId) ?? false;
  const share = (hashText(customId, 7) % 10_000) / 10_000;
  return isNamed || share < (fault.fraction ?? 0) ? injectedRefusal(provider, fault.status) : null;
}
