import { createRandom } from "../../local/provider-simulator/seeded-random.ts";

/**
 * When each of so many jobs is sent, in milliseconds from the begin: a Poisson process that is known to have that many
 * arrivals within `seconds`. Nobody waits for an answer before the next is sent.
 */
export function poissonArrivals(count: number, seconds: number, seed: string): number[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random() * seconds * 1000).toSorted((a, b) => a - b);
}
