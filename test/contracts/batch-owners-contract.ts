import { beforeEach, describe, expect, it } from "vitest";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import type { Batches } from "../../lambdas/ports.ts";
import { race } from "./gather.ts";
import { aPlan, NOON } from "./sample-records.ts";

const ID = aPlan(1).batchId;
const LATER = NOON + 60_000;

/** What every register of batches must do between batches. `make` gives an empty one. */
export function describeBatchOwners(name: string, make: () => Promise<Batches>): void {
  describe(`owners and locks of batches: ${name}`, () => {
    let batches: Batches;
    beforeEach(async () => {
      batches = await make();
    });

    const owners = Array.from({ length: 8 }, (_, number) => aPlan(number).batchId);
    const owner = (number: number): BatchId => owners[number] ?? ID;

    it("names one owner of a provider batch, for good", async () => {
      expect(await batches.providerBatchOwner("anthropic-main", "msgbatch_1")).toBeUndefined();
      const named = await race(8, (number) =>
        batches.ownProviderBatch("anthropic-main", "msgbatch_1", owner(number)),
      );
      expect(new Set(named).size).toBe(1);
      expect(await batches.providerBatchOwner("anthropic-main", "msgbatch_1")).toBe(named[0]);
      expect(await batches.providerBatchOwner("anthropic-other", "msgbatch_1")).toBeUndefined();
      expect(await batches.ownProviderBatch("anthropic-main", "msgbatch_2", owner(7))).toBe(owner(7));
    });

    it("takes a provider batch back only from the one who owns it, for the next to own", async () => {
      await batches.ownProviderBatch("anthropic-main", "msgbatch_1", owner(0));
      await batches.disownProviderBatch("anthropic-main", "msgbatch_1", owner(1));
      await batches.disownProviderBatch("anthropic-main", "msgbatch_2", owner(0));
      await batches.disownProviderBatch("anthropic-other", "msgbatch_1", owner(0));
      expect(await batches.providerBatchOwner("anthropic-main", "msgbatch_1")).toBe(owner(0));
      await batches.disownProviderBatch("anthropic-main", "msgbatch_1", owner(0));
      await batches.disownProviderBatch("anthropic-main", "msgbatch_1", owner(0));
      expect(await batches.providerBatchOwner("anthropic-main", "msgbatch_1")).toBeUndefined();
      expect(await batches.ownProviderBatch("anthropic-main", "msgbatch_1", owner(1))).toBe(owner(1));
    });

    it("holds an account until the latest end that anybody named", async () => {
      const holdUntil = (until: number) => ({ until, code: `code-${until}`, message: "why" });
      expect(await batches.holdOf("openai-main")).toBeUndefined();
      await race(8, (number) => batches.hold("openai-main", holdUntil(NOON + number)));
      expect(await batches.holdOf("openai-main")).toEqual(holdUntil(NOON + 7));
      await batches.hold("openai-main", holdUntil(NOON));
      await batches.hold("openai-main", { ...holdUntil(NOON + 7), message: "another" });
      expect(await batches.holdOf("openai-main")).toEqual(holdUntil(NOON + 7));
      await batches.hold("openai-main", holdUntil(LATER));
      expect(await batches.holdOf("openai-main")).toEqual(holdUntil(LATER));
      expect(await batches.holdOf("openai-other")).toBeUndefined();
      expect(await batches.lockAccount("openai-main", ID, NOON, LATER)).toBe(true);
      await batches.unlockAccount("openai-main", ID);
      expect(await batches.holdOf("openai-main")).toEqual(holdUntil(LATER));
    });

    it("locks an account for one batch at a time", async () => {
      const locks = await race(8, (number) =>
        batches.lockAccount("anthropic-main", owner(number), NOON, LATER),
      );
      expect(locks.filter(Boolean)).toHaveLength(1);
      const holder = owner(locks.indexOf(true));
      const other = owner((locks.indexOf(true) + 1) % 8);
      expect(await batches.lockAccount("anthropic-main", holder, NOON, LATER)).toBe(true);
      expect(await batches.lockAccount("anthropic-other", other, NOON, LATER)).toBe(true);
      await batches.unlockAccount("anthropic-main", other);
      expect(await batches.lockAccount("anthropic-main", other, LATER - 1, LATER)).toBe(false);
      await batches.unlockAccount("anthropic-main", holder);
      expect(await batches.lockAccount("anthropic-main", other, NOON, LATER)).toBe(true);
    });

    it("gives a lock that ran out to exactly one of many", async () => {
      await batches.lockAccount("anthropic-main", owner(0), NOON, LATER);
      const locks = await race(7, (number) =>
        batches.lockAccount("anthropic-main", owner(number + 1), LATER, LATER + 60_000),
      );
      expect(locks.filter(Boolean)).toHaveLength(1);
    });

    it("takes an unlock without a lock for done", async () => {
      await batches.unlockAccount("anthropic-main", ID);
      expect(await batches.lockAccount("anthropic-main", ID, NOON, LATER)).toBe(true);
    });
  });
}
