import type { BatchFaults } from "./faults.ts";
import type { Provider } from "./model-catalog.ts";
import { injectedRefusal, type Refusal } from "./provider-errors.ts";
import { hashText } from "./seeded-random.ts";

/**
 * The error that a fault gives to the line at `index`, if it is one of those named, falls into the fraction by its hash
 * or comes late enough.
 */
export function lineFault(
  provider: Provider,
  fault: BatchFaults["lines"],
  customId: string,
  index: number,
): Refusal | null {
  if (!fault) return null;
  const isNamed = fault.customIds?.includes(customId) ?? false;
  const share = (hashText(customId, 7) % 10_000) / 10_000;
  const isLate = index >= (fault.fromLine ?? Infinity);
  const isHit = isNamed || isLate || share < (fault.fraction ?? 0);
  return isHit ? injectedRefusal(provider, fault) : null;
}
