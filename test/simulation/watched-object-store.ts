import { MemoryObjectStore } from "../../lambdas/adapters/memory-object-store.ts";
import type { SegmentId } from "../../lambdas/domain/ids.ts";
import { PREFIXES, segmentIndexKey } from "../../lambdas/domain/object-keys.ts";
import type { PlanChecks } from "./plan-checks.ts";

/** Indexes that settling steps write. */
const REQUEUED = segmentIndexKey("requeued-" as SegmentId).replace(/\.jsonl$/, "");

/**
 * The bucket, which keeps the markers of open segments apart: they are listed all the time, and are few among thousands
 * of objects.
 */
export class WatchedObjectStore extends MemoryObjectStore {
  /** When each marker was last written, by key. */
  readonly openSegments = new Map<string, number>();
  readonly #now: () => number;
  readonly #checks: PlanChecks;

  constructor(options: { readonly now: () => number; readonly chunkBytes: number }, checks: PlanChecks) {
    super(options);
    this.#now = options.now;
    this.#checks = checks;
  }

  override async put(key: string, body: string | Uint8Array): Promise<void> {
    await super.put(key, body);
    if (key.startsWith(PREFIXES.openSegments)) this.openSegments.set(key, this.#now());
    if (key.startsWith(REQUEUED)) this.#checks.sentOn(Buffer.from(body).toString());
  }

  override async *list(prefix: string): AsyncGenerator<{ readonly key: string; readonly writtenAt: number }> {
    if (prefix !== PREFIXES.openSegments) return yield* super.list(prefix);
    const found = [...this.openSegments].toSorted(([a], [b]) => (a < b ? -1 : 1));
    for (const [key, writtenAt] of found) yield { key, writtenAt };
  }

  override async delete(keys: readonly string[]): Promise<void> {
    await super.delete(keys);
    for (const key of keys) this.openSegments.delete(key);
  }
}
