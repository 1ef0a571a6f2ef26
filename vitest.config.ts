import path from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that run the whole stack, fill their memory or measure it; the longest first. */
const OWN_PROCESS = [
  "test/chaos/chaos.test.ts",
  "test/scale/fifty-thousand-jobs.test.ts",
  "test/pipeline/*.test.ts",
  "test/bench/*.test.ts",
  "test/local/stack/local-stack.test.ts",
  "test/local/lambda/lambda-host.test.ts",
  "test/lambdas/adapters/providers/bulk-uploads.test.ts",
  "test/local/provider-simulator/openai-files.test.ts",
];

/** Of the others, those that take more than a few seconds. */
const LONG = [
  "test/cli/dead-letters.test.ts",
  "test/faults/combined.test.ts",
  "test/faults/calls.test.ts",
  "test/simulation/simulation.test.ts",
  "test/lambdas/plan-window/fairness.test.ts",
  "test/contracts/object-store.test.ts",
];

/** Begins with the longest, so that none is left to run alone at the end: vitest knows the files' sizes only. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const order = [...OWN_PROCESS, ...LONG];
    const place = ({ moduleId }: TestSpecification): number => {
      const file = path.relative(import.meta.dirname, moduleId);
      const found = order.findIndex((pattern) => path.matchesGlob(file, pattern));
      return found === -1 ? order.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    globalSetup: ["test/temporary-folder.ts", "test/assembly-server.ts"],
    setupFiles: ["test/law-cases.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: more workers only make the emulators slower.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: { name: "own process", include: OWN_PROCESS, benchmark: { include: [] } },
      },
      {
        extends: true,
        test: {
          name: "shared process",
          include: ["test/**/*.test.ts"],
          exclude: OWN_PROCESS,
          benchmark: { include: ["bench/**/*.bench.ts"] },
          // To start a process and import what is tested takes longer than most of these files do.
          isolate: false,
        },
      },
    ],
  },
});
