import { MemoryWindows } from "../../lambdas/adapters/memory-windows.ts";
import type { SegmentId, WindowId } from "../../lambdas/domain/ids.ts";
import { windowObjectKey } from "../../lambdas/domain/object-keys.ts";
import type { Violations } from "./violations.ts";

export type WindowsWorld = {
  readonly violations: Violations;
  readonly readObject: (key: string) => Promise<Uint8Array | undefined>;
};

/** The windows, which tell whether one of them holds the head, and see that none lets go of it too early. */
export class WatchedWindows extends MemoryWindows {
  isHeld = false;
  readonly #world: WindowsWorld;

  constructor(world: WindowsWorld) {
    super();
    this.#world = world;
  }

  override async acquire(wanted: WindowId): Promise<WindowId | undefined> {
    const answer = await super.acquire(wanted);
    if (answer !== undefined) this.isHeld = true;
    return answer;
  }

  override async release(id: WindowId): Promise<void> {
    await this.#checkMarked(id);
    await super.release(id);
    // Released, or it never was this one's: asking for the oldest window there is changes nothing and tells.
    this.isHeld = (await super.acquire(OLDEST)) !== undefined;
  }

  /** From now on another window may freeze every segment that is not marked, and send its jobs once more. */
  async #checkMarked(id: WindowId): Promise<void> {
    const { segments = [] } = await this.#settledObject(id, "frozen");
    const { setAside = segments } = segments.length > 0 ? await this.#settledObject(id, "plan") : {};
    const placed = segments.filter((segment) => !setAside.includes(segment));
    const taken = await super.taken(placed);
    const open = placed.filter((segment) => !taken.has(segment));
    if (open.length > 0)
      this.#world.violations.add(
        "segments are marked before their window lets go",
        `${id} lets go, and ${open.join(", ")} can be taken again`,
        [id, ...open],
      );
  }

  async #settledObject(
    id: WindowId,
    what: "frozen" | "plan",
  ): Promise<{ readonly segments?: readonly SegmentId[]; readonly setAside?: readonly SegmentId[] }> {
    const hash = await super.settled(id, what);
    const bytes = hash && (await this.#world.readObject(windowObjectKey(id, what, hash)));
    return bytes ? JSON.parse(Buffer.from(bytes).toString()) : {};
  }
}

const OLDEST = "00000101T000000Z" as WindowId;
