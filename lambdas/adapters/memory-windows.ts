import type { SegmentId, WindowId } from "../domain/ids.ts";
import type { Windows } from "../ports.ts";
import { decideAcquire, decideRelease, type WindowHead } from "./window-head.ts";

export class MemoryWindows implements Windows {
  #head: WindowHead | undefined;
  readonly #settled = new Map<string, string>();
  readonly #taken = new Set<SegmentId>();

  async acquire(wanted: WindowId): Promise<WindowId | undefined> {
    const { answer, next } = decideAcquire(this.#head, wanted);
    this.#head = next ?? this.#head;
    return answer;
  }

  async settle(id: WindowId, what: "frozen" | "plan", hash: string): Promise<string> {
    const standing = this.#settled.get(`${id}/${what}`) ?? hash;
    this.#settled.set(`${id}/${what}`, standing);
    return standing;
  }

  async settled(id: WindowId, what: "frozen" | "plan"): Promise<string | undefined> {
    return this.#settled.get(`${id}/${what}`);
  }

  async markTaken(_id: WindowId, segments: readonly SegmentId[]): Promise<void> {
    for (const segment of segments) this.#taken.add(segment);
  }

  async taken(segments: readonly SegmentId[]): Promise<ReadonlySet<SegmentId>> {
    return new Set(segments.filter((segment) => this.#taken.has(segment)));
  }

  async release(id: WindowId): Promise<void> {
    this.#head = decideRelease(this.#head, id) ?? this.#head;
  }
}
