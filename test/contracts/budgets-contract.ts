import { beforeEach, describe, expect, it } from "vitest";
import { usedOf } from "../../lambdas/domain/budget.ts";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import type { Budgets } from "../../lambdas/ports.ts";
import { gather, race } from "./gather.ts";
import { ACME, NOON } from "./sample-records.ts";

const DAY = "2026-11-21";
const MINUTE = 60_000;

/** What every store of limits must do. `make` gives an empty one. */
export function describeBudgets(name: string, make: () => Promise<Budgets>): void {
  describe(`budgets: ${name}`, () => {
    let budgets: Budgets;
    beforeEach(async () => {
      budgets = await make();
    });
    const reserve = (chunk: string, ...amounts: readonly bigint[]) =>
      budgets.reserve(ACME, DAY, { chunk, amounts, budget: 100n, at: NOON });

    it("keeps what is reserved, by tenant and day", async () => {
      expect(await budgets.get(ACME, DAY)).toBeUndefined();
      expect(await reserve("s1", 60n, 50n)).toEqual({ granted: [true, false], warning: null });
      expect(await budgets.get(ACME, DAY)).toEqual({
        version: 1,
        settled: "0",
        chunks: { s1: { left: "60", spent: "0", at: NOON } },
        warned: false,
      });
      expect(await budgets.get(ACME, "2026-11-22")).toBeUndefined();
      expect(await budgets.get("acme-2" as TenantId, DAY)).toBeUndefined();
    });

    it("never reserves more than the budget, however many ask at once", async () => {
      const answers = await race(12, (number) => reserve(`s${number}`, 30n));
      expect(answers.filter(({ granted }) => granted[0])).toHaveLength(3);
      expect(usedOf((await budgets.get(ACME, DAY))!)).toEqual({ spent: 0n, reserved: 90n });
    });

    it("reserves once for one chunk, however often it is asked, and warns one of those who ask", async () => {
      const answers = await race(6, () => reserve("s1", 85n));
      expect(answers.every(({ granted }) => granted[0])).toBe(true);
      expect(answers.filter(({ warning }) => warning === 0.85)).toHaveLength(1);
      expect(usedOf((await budgets.get(ACME, DAY))!).reserved).toBe(85n);
    });

    it("settles a chunk for good, from whatever many saw", async () => {
      await reserve("s1", 60n);
      await reserve("s2", 20n);
      await race(6, (number) =>
        budgets.settle(ACME, DAY, "s1", { left: BigInt(number) * 10n, spent: 50n - BigInt(number) * 10n }),
      );
      await budgets.settle(ACME, DAY, "s1", { left: 60n, spent: 0n });
      await budgets.settle(ACME, DAY, "nothing", { left: 0n, spent: 7n });
      const { settled, chunks } = (await budgets.get(ACME, DAY))!;
      expect({ settled, chunks: Object.keys(chunks) }).toEqual({ settled: "50", chunks: ["s2"] });
    });

    it("lists the tenants that reserved something on a day", async () => {
      await reserve("s1", 10n);
      const globex = "globex" as TenantId;
      const one = { chunk: "s1", amounts: [1n], budget: 100n, at: NOON };
      await budgets.reserve(globex, DAY, one);
      await budgets.reserve(globex, "2026-11-22", one);
      expect((await gather(budgets.list([DAY]))).map(({ tenantId }) => tenantId)).toEqual([ACME, globex]);
      expect(await gather(budgets.list(["2026-11-22"]))).toMatchObject([
        { tenantId: globex, budget: { chunks: { s1: { left: "1" } } } },
      ]);
      expect(await gather(budgets.list(["2026-11-23"]))).toEqual([]);
    });

    it("gives each place of a minute once, and those of the next after it", async () => {
      const wanted = { limit: 4, now: NOON, before: [NOON + 2 * MINUTE, NOON + 2 * MINUTE] };
      const places = (await race(5, () => budgets.takePlaces(ACME, wanted))).flat();
      expect(places.toSorted()).toEqual([
        ...Array.from({ length: 4 }, () => NOON),
        ...Array.from({ length: 4 }, () => NOON + MINUTE),
        null,
        null,
      ]);
      expect(await budgets.takePlaces("acme-2" as TenantId, wanted)).toEqual([NOON, NOON]);
    });
  });
}
