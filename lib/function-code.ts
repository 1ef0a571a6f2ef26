import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { buildSync } from "esbuild";
import { folderOf, FUNCTION_IDS, type FunctionId } from "./function-limits.ts";

const LAMBDAS = join(import.meta.dirname, "../lambdas");

/**
 * The bundles of all functions, built by one call of esbuild when the first is asked for: it parses what they share
 * once, and took a fourth of the time of a call for each. A stack that is not to be bundled (context
 * `aws:cdk:bundling-stacks`) never builds.
 */
export class FunctionCode {
  #folder: string | undefined;

  /** The code of one function: `index.mjs` with its export `handler`, the AWS SDK included, and a source map. */
  of(id: FunctionId): Code {
    const name = folderOf(id);
    return Code.fromAsset(join(LAMBDAS, name), {
      assetHashType: AssetHashType.OUTPUT,
      bundling: {
        // Never used: the build below always succeeds or throws.
        image: DockerImage.fromRegistry("none"),
        local: {
          tryBundle: (assetFolder) => {
            this.#folder ??= buildAll(join(dirname(assetFolder), "bundles"));
            const built = join(this.#folder, name);
            for (const file of readdirSync(built)) renameSync(join(built, file), join(assetFolder, file));
            return true;
          },
        },
      },
    });
  }
}

/** Bundles every function into a folder of its own under `folder`, which it returns. */
function buildAll(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const names = FUNCTION_IDS.map(folderOf);
  buildSync({
    entryPoints: Object.fromEntries(
      names.map((name) => [`${name}/index`, join(LAMBDAS, name, "handler.ts")]),
    ),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    mainFields: ["module", "main"],
    // Identifiers stay as they are: a stack trace reads well even where its source map is not at hand.
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: true,
    sourcesContent: false,
    logLevel: "warning",
  });
  return folder;
}
