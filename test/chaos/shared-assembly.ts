import { cp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { STACK_NAME } from "../../local/gateway/local-gateway.ts";
import { synthesize } from "../../local/gateway/synthesize.ts";

const settingsSchema = z.object({ providers: z.object({ openai: z.object({ baseUrl: z.url() }) }) });

/** Synthesizes the app for the first gateway; later ones get a copy in which only the simulator's address differs. */
export class SharedAssembly {
  #made: { readonly folder: string; readonly origin: string } | undefined;

  /** For `LocalGatewayOptions.assemble`. `keep` is the folder that the first assembly stays in. */
  async assemble(keep: string, folder: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
    const { origin } = new URL(settingsSchema.parse(settings).providers.openai.baseUrl);
    if (this.#made === undefined) {
      await synthesize(keep, settings);
      this.#made = { folder: keep, origin };
    }
    await cp(this.#made.folder, folder, { recursive: true });
    const template = path.join(folder, `${STACK_NAME}.template.json`);
    const text = await readFile(template, "utf8");
    await writeFile(template, text.replaceAll(this.#made.origin, origin));
  }
}
