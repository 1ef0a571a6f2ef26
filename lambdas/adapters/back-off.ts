import { setTimeout as sleep } from "node:timers/promises";

const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2_000;

/**
 * Waits before try `number` (1 is the first repetition): a random time up to 50 ms, doubled with every try, at most
 * 2 s. Random, so that workers refused together do not come back together.
 */
export async function backOff(number: number): Promise<void> {
  await sleep(Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** number));
}
