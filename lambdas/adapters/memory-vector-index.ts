import type { TenantId } from "../domain/ids.ts";
import { type VectorEntry, vectorIndexName } from "../domain/re-index/vector-entry.ts";
import type { VectorIndex } from "../vector-index.ts";

export class MemoryVectorIndex implements VectorIndex {
  readonly #indexes = new Map<string, Map<string, VectorEntry>>();

  async put(tenantId: TenantId, model: string, entries: readonly VectorEntry[]): Promise<void> {
    const name = vectorIndexName(tenantId, model);
    const index = this.#indexes.get(name) ?? new Map<string, VectorEntry>();
    this.#indexes.set(name, index);
    for (const entry of entries)
      if (entry.vector.some((byte) => byte !== 0)) index.set(entry.key, structuredClone(entry));
  }

  async delete(tenantId: TenantId, model: string, keys: readonly string[]): Promise<void> {
    const index = this.#indexes.get(vectorIndexName(tenantId, model));
    for (const key of keys) index?.delete(key);
  }

  /** The entries of a tenant's index by key. */
  entries(tenantId: TenantId, model: string): ReadonlyMap<string, VectorEntry> {
    return this.#indexes.get(vectorIndexName(tenantId, model)) ?? new Map();
  }
}
