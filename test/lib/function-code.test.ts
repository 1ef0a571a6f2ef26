import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { folderOf, FUNCTION_IDS } from "../../lib/function-limits.ts";
import { sharedAssembly } from "../shared-assembly.ts";
import { EVERY_WORKLOAD } from "./stage-template.ts";

/** Milliseconds: bundling everything is a processor's work for seconds, and other tests have the processors too. */
const BUNDLING_MS = 180_000;

const assetsSchema = z.object({
  files: z.record(
    z.string(),
    z.object({ displayName: z.string(), source: z.object({ path: z.string(), packaging: z.string() }) }),
  ),
});

test(
  "every function is one module with a handler, a source map and the names of its errors",
  { timeout: BUNDLING_MS },
  async () => {
    const assembly = await sharedAssembly(EVERY_WORKLOAD);
    const { files } = assetsSchema.parse(
      JSON.parse(readFileSync(path.join(assembly, "Offpeak.assets.json"), "utf8")),
    );
    const bundles = new Map(
      Object.values(files)
        .filter(({ source }) => source.packaging === "zip")
        .map(({ displayName, source }) => [displayName.split("/").at(-2), path.join(assembly, source.path)]),
    );
    expect(new Set(bundles.keys())).toEqual(new Set(FUNCTION_IDS));
    for (const folder of bundles.values()) {
      const code = readFileSync(path.join(folder, "index.mjs"), "utf8");
      // Not matched against the code itself: a failure would print megabytes.
      expect(/export\{[^}]*\bhandler\b[^}]*\}/.test(code), `${folder} exports a handler`).toBe(true);
      expect(code.includes('name="RetryableError"'), `${folder} names its errors`).toBe(true);
      expect(existsSync(path.join(folder, "index.mjs.map"))).toBe(true);
    }
  },
);

test("a function's folder is its construct id in kebab case", () => {
  expect(folderOf("RetryDeadLetters")).toBe("retry-dead-letters");
  expect(folderOf("RunJob")).toBe("run-job");
});
