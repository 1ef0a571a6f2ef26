import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { buildSync } from "esbuild";
import { folderOf, FUNCTION_IDS, type FunctionId } from "./function-limits.ts";

const LAMBDAS = join(import.meta.dirname, "../lambdas");

/**
 * A folder that keeps the bundles for further syntheses of the same code: they are most of a synthesis' time, and CI
 * makes several for the template, the tests and the demo. Not for a deployment, which would take old ones as they are.
 */
const KEPT = process.env["OFFPEAK_BUNDLES"];

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
            this.#folder ??=
              KEPT === undefined ? buildAll(join(dirname(assetFolder), "bundles")) : keptIn(KEPT);
            const built = join(this.#folder, name);
            const bring = KEPT === undefined ? renameSync : copyFileSync;
            for (const file of readdirSync(built)) bring(join(built, file), join(assetFolder, file));
            return true;
          },
        },
      },
    });
  }
}

/** `folder`, with the bundles in it. It gets them all at once: nobody finds some of them. */
function keptIn(folder: string): string {
  if (!existsSync(folder)) renameSync(buildAll(`${folder}-${process.pid}`), folder);
  return folder;
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
