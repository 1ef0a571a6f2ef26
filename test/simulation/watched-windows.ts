import { MemoryWindows } from "../../lambdas/adapters/memory-windows.ts";
import type { WindowId } from "../../lambdas/domain/ids.ts";

/** The windows, which tell whether one of them holds the head. */
export class WatchedWindows extends MemoryWindows {
  isHeld = false;

  override async acquire(wanted: WindowId): Promise<WindowId | undefined> {
    const answer = await super.acquire(wanted);
    if (answer !== undefined) this.isHeld = true;
    return answer;
  }

  override async release(id: WindowId): Promise<void> {
    await super.release(id);
    // Released, or it never was this one's: asking for the oldest window there is changes nothing and tells.
    this.isHeld = (await super.acquire(OLDEST)) !== undefined;
  }
}

const OLDEST = "00000101T000000Z" as WindowId;
