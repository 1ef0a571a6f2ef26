import { beforeEach, describe, expect, it } from "vitest";
import { ConflictingRecordError } from "../../lambdas/domain/failures.ts";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import type { Ledger } from "../../lambdas/ports.ts";
import { gather, race } from "./gather.ts";
import { ACME, anEntry } from "./sample-records.ts";

/** What every ledger must do. `make` gives an empty one. */
export function describeLedger(name: string, make: () => Promise<Ledger>): void {
  describe(`ledger: ${name}`, () => {
    let ledger: Ledger;
    const between = (from: string, to: string) => gather(ledger.entries(ACME, from, to));
    beforeEach(async () => {
      ledger = await make();
    });

    it("gives back what was recorded, in key order", async () => {
      const entries = [
        "2026-11-21#b",
        "2026-11-21#a",
        "2026-11-20#z",
        "2026-11-21#aé",
        "2026-11-21#a\u{1f600}",
      ];
      await ledger.record(entries.map((id) => anEntry(id)));
      expect(await between("2026-11-20", "2026-11-21")).toEqual(
        ["2026-11-20#z", "2026-11-21#a", "2026-11-21#aé", "2026-11-21#a\u{1f600}", "2026-11-21#b"].map((id) =>
          anEntry(id),
        ),
      );
    });

    it("gives the days asked for, both ends included, and nobody else's", async () => {
      const days = ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"];
      await ledger.record(days.map((day) => anEntry(`${day}#a`)));
      await ledger.record([anEntry("2026-11-21#a", { tenantId: "acme-2" as TenantId })]);
      const found = await between("2026-11-20", "2026-11-21");
      expect(found.map((entry) => entry.entryId)).toEqual(["2026-11-20#a", "2026-11-21#a"]);
      expect(await between("2026-11-23", "2026-12-01")).toEqual([]);
    });

    it("keeps one entry, however often and from how many sides it is recorded", async () => {
      const entries = Array.from({ length: 30 }, (_, index) => anEntry(`2026-11-21#${index}`));
      await race(5, () => ledger.record(entries));
      expect(await between("2026-11-21", "2026-11-21")).toHaveLength(30);
    });

    it("refuses another entry under the same key, names it, keeps the first, and records the rest", async () => {
      await ledger.record([anEntry("2026-11-21#a")]);
      const other = anEntry("2026-11-21#a", { costPicoUsd: "48300001" });
      const recording = ledger.record([other, anEntry("2026-11-21#b")]);
      await expect(recording).rejects.toBeInstanceOf(ConflictingRecordError);
      await expect(recording).rejects.toThrow("2026-11-21#a");
      expect(await between("2026-11-21", "2026-11-21")).toEqual([
        anEntry("2026-11-21#a"),
        anEntry("2026-11-21#b"),
      ]);
    });

    it("takes what another model would have cost from whoever came first", async () => {
      const entry = anEntry("2026-11-21#a", { defaultModelCostPicoUsd: "100", premiumPicoUsd: "5" });
      await ledger.record([entry]);
      await ledger.record([anEntry("2026-11-21#a", { defaultModelCostPicoUsd: "200", premiumPicoUsd: "0" })]);
      expect(await between("2026-11-21", "2026-11-21")).toEqual([entry]);
    });

    it("finds a conflict deep inside an entry", async () => {
      const entry = anEntry("2026-11-21#a");
      await ledger.record([entry]);
      const other = { ...entry, usage: { ...entry.usage, reasoningTokens: 1 } };
      await expect(ledger.record([other])).rejects.toBeInstanceOf(ConflictingRecordError);
    });

    it("lets exactly one of several differing entries that race stand", async () => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, cost) =>
          ledger.record([anEntry("2026-11-21#a", { costPicoUsd: String(cost) })]),
        ),
      );
      expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
      const winner = outcomes.findIndex((outcome) => outcome.status === "fulfilled");
      expect(await between("2026-11-21", "2026-11-21")).toMatchObject([{ costPicoUsd: String(winner) }]);
    });

    it("takes nothing to record", async () => {
      await ledger.record([]);
      expect(await between("2026-01-01", "2026-12-31")).toEqual([]);
    });

    it("is not changed through what it was given or gave", async () => {
      const entry = anEntry("2026-11-21#a");
      await ledger.record([entry]);
      entry.usage.inputTokens = 0;
      const [given] = await between("2026-11-21", "2026-11-21");
      // What is given may be frozen, which is as good.
      if (given) Reflect.set(given, "costPicoUsd", "0");
      expect(await between("2026-11-21", "2026-11-21")).toEqual([anEntry("2026-11-21#a")]);
    });
  });
}
