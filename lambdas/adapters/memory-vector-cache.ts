import type { TenantId } from "../domain/ids.ts";
import type { EmbeddedText, VectorCache } from "../vector-cache.ts";

export class MemoryVectorCache implements VectorCache {
  readonly #texts = new Map<string, EmbeddedText>();

  async get(tenantId: TenantId, model: string, hashes: readonly string[]) {
    const found = new Map<string, EmbeddedText>();
    for (const hash of hashes) {
      const text = this.#texts.get(`${tenantId} ${model} ${hash}`);
      if (text) found.set(hash, text);
    }
    return found;
  }

  async put(tenantId: TenantId, model: string, texts: readonly EmbeddedText[]): Promise<void> {
    for (const text of texts) this.#texts.set(`${tenantId} ${model} ${text.hash}`, text);
  }

  /** As when the time is over for which vectors are kept. */
  clear(): void {
    this.#texts.clear();
  }
}
