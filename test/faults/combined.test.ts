import { describe, expect, test } from "vitest";
import { createRandom } from "../../local/provider-simulator/seeded-random.ts";
import { drawFaults } from "./support/draw-faults.ts";
import { expectMoneyRight, expectToldOnce } from "./support/expect-settled.ts";
import { startFaultBench } from "./support/fault-bench.ts";

const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);
const MINUTE = 60_000;
/** At half speed the provider's window is two days. */
const LONGEST_WINDOW = 48 * 60 * MINUTE;
const MODELS = {
  openai: ["gpt-4.1-nano", "gpt-4.1-mini", "gpt-4o-mini"],
  anthropic: ["claude-haiku-4-5", "claude-sonnet-5", "claude-sonnet-4-6"],
} as const;

describe.each(["openai", "anthropic"] as const)(
  "several faults on several batches at once: %s",
  (provider) => {
    test.each(SEEDS)("seed %i", async (seed) => {
      const random = createRandom(`${provider} ${seed}`);
      const bench = await startFaultBench(provider, { seed: `${seed}`, speed: seed % 2 === 0 ? 1 : 0.5 });
      const faults = drawFaults(provider, 1 + Math.floor(random() * 6), random);
      for (const fault of faults) bench.fault(fault);
      // Batches of one size: without names, nothing but their content tells one from another.
      const size = 3 + Math.floor(random() * 6);
      for (const model of MODELS[provider]) await bench.send(size, { model });
      if (random() < 0.5) await bench.sendUrgent();
      await bench.run();
      // For batches that nobody knew of: they are found when they have ended, at the latest after their window.
      for (let sweep = 1; sweep <= 20; sweep += 1) {
        await bench.pass(sweep === 10 ? LONGEST_WINDOW : 15 * MINUTE);
        await bench.run();
      }
      for (const key of bench.sent) await expectToldOnce(bench, key);
      const { batches } = await expectMoneyRight(bench);
      expect({ faults, batches }).toEqual({ faults, batches: [] });
    });
  },
);
