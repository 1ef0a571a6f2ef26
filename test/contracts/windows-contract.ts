import { beforeEach, describe, expect, it } from "vitest";
import type { WindowId } from "../../lambdas/domain/ids.ts";
import type { Windows } from "../../lambdas/ports.ts";
import { race } from "./gather.ts";
import { segmentIds } from "./sample-records.ts";

const FIRST = "20261121T120000Z" as WindowId;
const SECOND = "20261121T120500Z" as WindowId;
const THIRD = "20261121T121000Z" as WindowId;

/** What every register of windows must do. `make` gives an empty one. */
export function describeWindows(name: string, make: () => Promise<Windows>): void {
  describe(`windows: ${name}`, () => {
    let windows: Windows;
    beforeEach(async () => {
      windows = await make();
    });

    describe("the head", () => {
      it("gives the first window that comes, and again", async () => {
        expect(await windows.acquire(FIRST)).toBe(FIRST);
        expect(await windows.acquire(FIRST)).toBe(FIRST);
      });

      it("gives the window that holds it to whoever comes, until it is released", async () => {
        await windows.acquire(FIRST);
        expect(await windows.acquire(SECOND)).toBe(FIRST);
        await windows.release(FIRST);
        expect(await windows.acquire(SECOND)).toBe(SECOND);
        expect(await windows.acquire(FIRST)).toBe(SECOND);
      });

      it("gives nothing for a window that was released, nor for one before it", async () => {
        await windows.acquire(SECOND);
        await windows.release(SECOND);
        expect(await windows.acquire(SECOND)).toBeUndefined();
        expect(await windows.acquire(FIRST)).toBeUndefined();
        expect(await windows.acquire(THIRD)).toBe(THIRD);
      });

      it("is freed by its holder only, however often", async () => {
        await windows.release(FIRST);
        await windows.acquire(SECOND);
        await windows.release(FIRST);
        await windows.release(THIRD);
        expect(await windows.acquire(THIRD)).toBe(SECOND);
        await race(3, () => windows.release(SECOND));
        expect(await windows.acquire(THIRD)).toBe(THIRD);
        await windows.release(SECOND);
        expect(await windows.acquire(SECOND)).toBe(THIRD);
      });

      it("gives all that race for it the same window", async () => {
        const wanted = [FIRST, SECOND, THIRD];
        const given = await race(12, (number) => windows.acquire(wanted[number % 3] ?? FIRST));
        expect(new Set(given).size).toBe(1);
        expect(wanted).toContain(given[0]);
      });
    });

    describe("settled hashes", () => {
      it("keeps the first of several that race", async () => {
        const standing = await race(10, (number) => windows.settle(FIRST, "frozen", `hash-${number}`));
        expect(new Set(standing).size).toBe(1);
        expect(await windows.settled(FIRST, "frozen")).toBe(standing[0]);
        expect(await windows.settle(FIRST, "frozen", "late")).toBe(standing[0]);
      });

      it("keeps lists, plans and windows apart", async () => {
        await windows.settle(FIRST, "frozen", "a");
        expect(await windows.settled(FIRST, "plan")).toBeUndefined();
        expect(await windows.settled(SECOND, "frozen")).toBeUndefined();
        expect(await windows.settle(FIRST, "plan", "b")).toBe("b");
      });
    });

    describe("taken segments", () => {
      it("are marked for good, whichever window asks and however often", async () => {
        const segments = segmentIds(250);
        await windows.markTaken(FIRST, segments.slice(0, 230));
        await windows.markTaken(FIRST, segments.slice(0, 230));
        await windows.release(FIRST);
        expect(await windows.taken(segments)).toEqual(new Set(segments.slice(0, 230)));
      });

      it("may be named twice, or not at all", async () => {
        const [one, two] = segmentIds(2);
        if (!one || !two) throw new Error("two segments");
        await windows.markTaken(FIRST, [one, one]);
        await windows.markTaken(FIRST, []);
        expect(await windows.taken([one, two, one])).toEqual(new Set([one]));
        expect(await windows.taken([])).toEqual(new Set());
      });
    });
  });
}
