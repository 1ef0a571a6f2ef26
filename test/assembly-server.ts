import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { TestProject } from "vitest/node";
import { failureText } from "../local/failure-text.ts";
import { synthesize } from "../local/gateway/synthesize.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Takes stage settings by POST; answers with the folder of the app's assembly for them. */
    readonly assemblyServer: string;
  }
}

/** Assemblies by the settings that they were made for, each when it is first asked for. */
class Assemblies {
  readonly #made = new Map<string, Promise<string>>();
  #last: Promise<unknown> = Promise.resolve();

  of(settings: string): Promise<string> {
    const made = this.#made.get(settings) ?? this.#make(settings);
    this.#made.set(settings, made);
    return made;
  }

  /** One after the other: the first makes the bundles that the others take. */
  #make(settings: string): Promise<string> {
    const folder = path.join(os.tmpdir(), `assembly-${this.#made.size}`);
    const making = this.#last.then(() => synthesize(folder, JSON.parse(settings)));
    this.#last = making.catch(() => undefined);
    return making.then(() => folder);
  }
}

/** Synthesizes the app once for all test files that run it, in this process, since each of them has its own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const kept = process.env["OFFPEAK_BUNDLES"];
  const bundles = path.join(os.tmpdir(), "bundles");
  process.env["OFFPEAK_BUNDLES"] ??= bundles;
  let assemblies = new Assemblies();
  project.onTestsRerun(async () => {
    // In watch mode the code has changed.
    if (kept === undefined) await rm(bundles, { recursive: true, force: true });
    assemblies = new Assemblies();
  });
  const server = createServer((request, response) => {
    void text(request)
      .then((settings) => assemblies.of(settings))
      .then(
        (folder) => response.end(folder),
        (error: unknown) => response.writeHead(500).end(failureText(error)),
      );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  project.provide("assemblyServer", `http://127.0.0.1:${port}`);
  return async () => {
    server.closeAllConnections();
    await once(server.close(), "close");
  };
}
