import { beforeEach, describe, expect, it } from "vitest";
import { ConflictingRecordError, FencedOffError, MissingRecordError } from "../../lambdas/domain/failures.ts";
import type { Batches } from "../../lambdas/ports.ts";
import { gather, race } from "./gather.ts";
import { aPlan, NOON, OUTCOME } from "./sample-records.ts";

const PLAN = aPlan(1);
const ID = PLAN.batchId;
const LATER = NOON + 60_000;
const ACCOUNT = PLAN.group.account;

/** What every register of batches must do for batches that go wrong, and for those who look after them. */
export function describeBatchRuns(name: string, make: () => Promise<Batches>): void {
  describe(`runs of batches: ${name}`, () => {
    let batches: Batches;
    beforeEach(async () => {
      batches = await make();
    });

    describe("an orphan", () => {
      const orphan = aPlan(2, ACCOUNT, { orphanOf: ID });
      const submitted = { providerBatchId: "batch_2", at: NOON };

      it("is registered as submitted, once, and stands among the open ones", async () => {
        await batches.register(PLAN);
        await race(5, () => batches.register(orphan, submitted));
        await batches.register(orphan, { providerBatchId: "batch_3", at: LATER });
        expect(await batches.get(orphan.batchId)).toMatchObject({
          plan: orphan,
          state: "submitted",
          generation: 1,
          providerBatchId: "batch_2",
          submittedAt: NOON,
          intentAt: null,
        });
        const open = await gather(batches.listOpen(ACCOUNT));
        expect(new Set(open.map((plan) => plan.batchId))).toEqual(new Set([ID, orphan.batchId]));
        expect(open).toContainEqual(orphan);
      });

      it("is leased, settled and closed as any other, and sent as nothing else", async () => {
        await batches.register(orphan, submitted);
        const lease = await batches.lease(orphan.batchId, NOON, LATER);
        if (!lease) throw new Error("the lease is held");
        await batches.recordSubmitted(lease, "batch_2", LATER);
        const other = batches.recordSubmitted(lease, "batch_3", LATER);
        await expect(other).rejects.toBeInstanceOf(ConflictingRecordError);
        expect(await batches.recordCollected(lease, "settlement-2")).toBe("settlement-2");
        await batches.close(orphan.batchId, LATER, OUTCOME);
        expect(await batches.get(orphan.batchId)).toMatchObject({ submittedAt: NOON, outcome: OUTCOME });
        expect(await gather(batches.listOpen(ACCOUNT))).toEqual([]);
      });
    });

    describe("cancelling", () => {
      it("keeps the first time, and tells everybody that one", async () => {
        await batches.register(PLAN);
        const cancels = await race(8, (number) => batches.recordCancel(ID, NOON + number));
        expect(new Set(cancels).size).toBe(1);
        expect(await batches.recordCancel(ID, NOON - 1)).toBe(cancels[0]);
        expect(await batches.get(ID)).toMatchObject({
          state: "planned",
          cancelAt: cancels[0],
          abandonedAt: null,
        });
      });

      it("needs no lease and takes none away", async () => {
        await batches.register(PLAN);
        const lease = await batches.lease(ID, NOON, LATER);
        if (!lease) throw new Error("the lease is held");
        await Promise.all([
          batches.recordCancel(ID, NOON),
          batches.restart(ID, 1),
          batches.recordSubmitted(lease, "batch_1", NOON),
        ]);
        expect(await batches.get(ID)).toMatchObject({
          fence: 1,
          leaseUntil: LATER,
          generation: 2,
          providerBatchId: "batch_1",
          cancelAt: NOON,
        });
      });
    });

    describe("giving up", () => {
      it("keeps the first time, and is refused to a lease that gave way", async () => {
        await batches.register(PLAN);
        const slow = await batches.lease(ID, NOON, NOON + 1);
        const next = await batches.lease(ID, NOON + 1, LATER);
        if (!slow || !next) throw new Error("the lease is held");
        await expect(batches.recordAbandoned(slow, NOON)).rejects.toBeInstanceOf(FencedOffError);
        expect(await batches.get(ID)).toMatchObject({ abandonedAt: null });
        await batches.recordAbandoned(next, LATER);
        await batches.recordAbandoned(next, LATER + 1);
        expect(await batches.get(ID)).toMatchObject({ state: "planned", abandonedAt: LATER });
      });
    });

    describe("a restart", () => {
      it("raises the generation once, however many ask for it", async () => {
        await batches.register(PLAN);
        expect(await race(8, () => batches.restart(ID, 1))).toEqual(Array.from({ length: 8 }, () => 2));
        expect(await batches.restart(ID, 2)).toBe(3);
        expect(await batches.restart(ID, 1)).toBe(3);
        expect(await batches.restart(ID, 9)).toBe(3);
        expect(await batches.get(ID)).toMatchObject({ generation: 3, fence: 0, state: "planned" });
      });
    });

    describe("batches planned in a time", () => {
      const at = (number: number, plannedAt: number, account = ACCOUNT) =>
        aPlan(number, account, { plannedAt });
      const listed = async (from: number, until: number) =>
        (await gather(batches.listPlanned(ACCOUNT, from, until))).map((plan) => plan.batchId);

      it("are listed in their order, from the first moment and before the last, open or closed", async () => {
        const plans = [at(1, NOON), at(2, NOON - 1), at(3, LATER), at(4, NOON + 1), at(5, LATER - 1)];
        for (const plan of [...plans, at(6, NOON, "anthropic-main")]) await batches.register(plan);
        await batches.close(at(4, NOON + 1).batchId, LATER, OUTCOME);
        const ids = [1, 4, 5].map((number) => aPlan(number).batchId);
        expect(await listed(NOON, LATER)).toEqual(ids);
        expect(await gather(batches.listPlanned(ACCOUNT, LATER, LATER + 1))).toEqual([at(3, LATER)]);
        expect(await listed(0, Number.MAX_SAFE_INTEGER)).toHaveLength(5);
        expect(await listed(LATER + 1, Number.MAX_SAFE_INTEGER)).toEqual([]);
        expect(await gather(batches.listPlanned("openai", 0, LATER))).toEqual([]);
      });

      it("are listed once, however often they are registered, and by id within one moment", async () => {
        const plans = [1, 2, 3, 4, 5].map((number) => at(number, NOON));
        for (const plan of [...plans, ...plans]) await batches.register(plan);
        expect(await listed(NOON, NOON + 1)).toEqual(plans.map((plan) => plan.batchId).toSorted());
      });

      it("are sorted as times, not as texts", async () => {
        for (const [number, time] of [9, 10, 100, 1_000].entries()) await batches.register(at(number, time));
        const ids = [0, 1, 2, 3].map((number) => aPlan(number).batchId);
        expect(await listed(0, 1_001)).toEqual(ids);
        expect(await listed(10, 1_000)).toEqual(ids.slice(1, 3));
      });

      it("are none in a time that is empty or ends before it begins", async () => {
        await batches.register(PLAN);
        expect(await listed(NOON, NOON)).toEqual([]);
        expect(await listed(NOON + 1, NOON)).toEqual([]);
      });
    });

    it("throw MissingRecordError for a batch that nobody registered", async () => {
      const acts = [() => batches.recordCancel(ID, NOON), () => batches.restart(ID, 1)];
      for (const act of acts) await expect(act()).rejects.toBeInstanceOf(MissingRecordError);
    });
  });
}
