import type { TenantId } from "./domain/ids.ts";
import type { Instant } from "./domain/instant.ts";

/** A text that was embedded, by the hash of its content. */
export type EmbeddedText = {
  readonly hash: string;
  /** Little-endian 32-bit floats. */
  readonly vector: Uint8Array;
  /** When the embedding is no longer current; null: it does not expire. */
  readonly effectiveUntil: Instant | null;
};

/** A tenant's vectors by model and hash: kept for some weeks after they were last put, so that a text that moves is not embedded again. */
export interface VectorCache {
  /** Those of the hashes that are there, by hash. */
  get(
    tenantId: TenantId,
    model: string,
    hashes: readonly string[],
  ): Promise<ReadonlyMap<string, EmbeddedText>>;
  /** Puts each, whatever was there. */
  put(tenantId: TenantId, model: string, texts: readonly EmbeddedText[], now: Instant): Promise<void>;
}

export function isCurrent({ effectiveUntil }: Pick<EmbeddedText, "effectiveUntil">, at: Instant): boolean {
  return effectiveUntil === null || effectiveUntil > at;
}
