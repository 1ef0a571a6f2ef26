import { beforeEach, describe, expect, it } from "vitest";
import { ConflictingRecordError, FencedOffError, MissingRecordError } from "../../lambdas/domain/failures.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import type { Batches, BatchLease } from "../../lambdas/ports.ts";
import { gather, race } from "./gather.ts";
import { aPlan, NOON, OUTCOME } from "./sample-records.ts";

const PLAN = aPlan(1);
const ID = PLAN.batchId;
const LATER = NOON + 60_000;

/** What every register of batches must do. `make` gives an empty one. */
export function describeBatches(name: string, make: () => Promise<Batches>): void {
  describe(`batches: ${name}`, () => {
    let batches: Batches;
    beforeEach(async () => {
      batches = await make();
    });

    async function registeredLease(): Promise<BatchLease> {
      await batches.register(PLAN);
      return leaseAt(NOON);
    }
    async function leaseAt(now: number): Promise<BatchLease> {
      const lease = await batches.lease(ID, now, now + 60_000);
      if (!lease) throw new Error("the lease is held");
      return lease;
    }

    describe("registering", () => {
      it("makes a planned batch and an open one, once", async () => {
        await race(5, () => batches.register(PLAN));
        expect(await batches.get(ID)).toEqual({
          plan: PLAN,
          state: "planned",
          generation: 1,
          fence: 0,
          leaseUntil: 0,
          intentAt: null,
          inputFileId: null,
          providerBatchId: null,
          submittedAt: null,
          isProvisional: false,
          refusal: null,
          cancelAt: null,
          abandonedAt: null,
          escalatedUntil: null,
          settlementKey: null,
          closedAt: null,
          outcome: null,
        });
        expect(await gather(batches.listOpen("openai-main"))).toEqual([PLAN]);
      });

      it("changes nothing of a batch under way, and opens no closed one", async () => {
        const lease = await registeredLease();
        await batches.recordSubmitted(lease, "batch_1", NOON);
        await batches.register(PLAN);
        expect(await batches.get(ID)).toMatchObject({ state: "submitted", fence: 1 });
        await batches.close(ID, LATER, OUTCOME);
        await batches.register(PLAN);
        expect(await batches.get(ID)).toMatchObject({ state: "closed" });
        expect(await gather(batches.listOpen("openai-main"))).toEqual([]);
      });

      it("lists the open batches of one account, and those only", async () => {
        const plans = [aPlan(1), aPlan(2), aPlan(3), aPlan(1, "anthropic-main")];
        for (const plan of plans) await batches.register(plan);
        await batches.close(aPlan(2).batchId, NOON, OUTCOME);
        const open = await gather(batches.listOpen("openai-main"));
        const ids = [aPlan(1).batchId, aPlan(3).batchId].sort();
        expect(open.map((plan) => plan.batchId)).toEqual(ids);
        expect(await gather(batches.listOpen("openai"))).toEqual([]);
      });

      it("gives nothing, and throws MissingRecordError, for a batch that nobody registered", async () => {
        expect(await batches.get(ID)).toBeUndefined();
        await expect(batches.lease(ID, NOON, LATER)).rejects.toBeInstanceOf(MissingRecordError);
        await expect(batches.close(ID, NOON, OUTCOME)).rejects.toBeInstanceOf(MissingRecordError);
      });
    });

    describe("leases", () => {
      it("go to exactly one of many, each under a higher fence", async () => {
        await batches.register(PLAN);
        const first = await race(20, () => batches.lease(ID, NOON, LATER));
        expect(first.filter((lease) => lease !== undefined)).toMatchObject([
          { batchId: ID, fence: 1, batch: { fence: 1, leaseUntil: LATER } },
        ]);
        expect(await batches.lease(ID, LATER - 1, LATER + 1)).toBeUndefined();
        const second = await race(20, () => batches.lease(ID, LATER, LATER + 60_000));
        expect(second.filter((lease) => lease !== undefined)).toMatchObject([{ fence: 2 }]);
      });

      it("are free again at once when given back, under the next fence", async () => {
        await batches.unlease(await registeredLease());
        expect((await leaseAt(NOON)).fence).toBe(2);
      });

      it("are not given back by one who lost it", async () => {
        const lost = await registeredLease();
        await leaseAt(LATER);
        await batches.unlease(lost);
        expect(await batches.lease(ID, LATER, LATER + 1)).toBeUndefined();
      });

      it("let their holder write until another holds it, even when over", async () => {
        const lease = await registeredLease();
        await batches.unlease(lease);
        await batches.recordInputFile(lease, "file-1");
        await leaseAt(LATER);
        await expect(batches.recordInputFile(lease, "file-2")).rejects.toBeInstanceOf(FencedOffError);
        expect(await batches.get(ID)).toMatchObject({ inputFileId: "file-1" });
      });

      it("fence every write off", async () => {
        const lost = await registeredLease();
        await leaseAt(LATER);
        const before = await batches.get(ID);
        const writes = [
          () => batches.recordIntent(lost, NOON),
          () => batches.recordInputFile(lost, "file-1"),
          () => batches.recordSubmitted(lost, "batch_1", NOON),
          () => batches.recordRefusal(lost, { code: "x", message: "y" }),
          () => batches.recordCollected(lost, "key"),
        ];
        for (const write of writes) await expect(write()).rejects.toBeInstanceOf(FencedOffError);
        expect(await batches.get(ID)).toEqual(before);
      });
    });

    describe("the way of a batch", () => {
      it("is recorded step by step, each step repeatable", async () => {
        const lease = await registeredLease();
        for (const _ of [1, 2]) {
          await batches.recordInputFile(lease, "file-1");
          await batches.recordIntent(lease, NOON + 1);
          await batches.recordSubmitted(lease, "batch_1", NOON + 2);
          expect(await batches.get(ID)).toMatchObject({ state: "submitted" });
        }
        expect(await batches.recordCollected(lease, "settlement-1")).toBe("settlement-1");
        await batches.recordSubmitted(lease, "batch_1", NOON + 9);
        await batches.close(ID, LATER, OUTCOME);
        await batches.close(ID, LATER + 1, { answered: 0, failed: 2, surplus: 3 });
        expect(await batches.get(ID)).toMatchObject({
          state: "closed",
          inputFileId: "file-1",
          intentAt: NOON + 1,
          providerBatchId: "batch_1",
          submittedAt: NOON + 2,
          settlementKey: "settlement-1",
          closedAt: LATER,
          outcome: OUTCOME,
        });
      });

      it("keeps the latest intent", async () => {
        const lease = await registeredLease();
        await batches.recordIntent(lease, NOON);
        await batches.recordIntent(lease, LATER);
        expect(await batches.get(ID)).toMatchObject({ intentAt: LATER });
      });

      it("keeps the first settlement, and tells later collectors of it", async () => {
        const first = await registeredLease();
        await batches.recordSubmitted(first, "batch_1", NOON);
        const keys = await race(5, (number) => batches.recordCollected(first, `settlement-${number}`));
        expect(new Set(keys).size).toBe(1);
        const second = await leaseAt(LATER);
        expect(await batches.recordCollected(second, "late")).toBe(keys[0]);
      });

      it("takes a second provider batch for a conflict", async () => {
        const lease = await registeredLease();
        await batches.recordSubmitted(lease, "batch_1", NOON);
        const second = batches.recordSubmitted(lease, "batch_2", NOON);
        await expect(second).rejects.toBeInstanceOf(ConflictingRecordError);
        expect(await batches.get(ID)).toMatchObject({ providerBatchId: "batch_1" });
      });

      it("keeps a refusal, which excludes a submission", async () => {
        const lease = await registeredLease();
        const refusal = { code: "invalid_model", message: "no such model" };
        await batches.recordRefusal(lease, refusal);
        await batches.recordRefusal(lease, refusal);
        expect(await batches.get(ID)).toMatchObject({ refusal, providerBatchId: null });
        const submission = batches.recordSubmitted(lease, "batch_1", NOON);
        await expect(submission).rejects.toBeInstanceOf(ConflictingRecordError);
        expect(await batches.recordCollected(lease, "settlement-1")).toBe("settlement-1");
      });

      it("loses none of the writes that race under one lease", async () => {
        const lease = await registeredLease();
        await Promise.all([
          batches.recordIntent(lease, NOON),
          batches.recordInputFile(lease, "file-1"),
          batches.recordSubmitted(lease, "batch_1", NOON),
          batches.unlease(lease),
        ]);
        expect(await batches.get(ID)).toMatchObject({
          intentAt: NOON,
          inputFileId: "file-1",
          providerBatchId: "batch_1",
          leaseUntil: 0,
        });
      });
    });

    it("keeps how long batches took, each once, in the order in which they ended", async () => {
      const time = (id: string, endedAt: number) => ({
        batchId: id as BatchId,
        model: "gpt-5-nano",
        submittedAt: 1000,
        endedAt,
        isWhole: true,
      });
      const later = time("b-bbbbbbbbbbbbbbbbbbbb", 9000);
      await batches.recordTime("openai", later);
      await batches.recordTime("openai", time("b-cccccccccccccccccccc", 5000));
      await batches.recordTime("openai", time("b-aaaaaaaaaaaaaaaaaaaa", 4999));
      await batches.recordTime("anthropic", time("b-dddddddddddddddddddd", 6000));
      await batches.recordTime("openai", later);
      expect(await Array.fromAsync(batches.times("openai", 5000))).toEqual([
        time("b-cccccccccccccccccccc", 5000),
        later,
      ]);
    });

    it("keeps the latest moment up to which jobs were moved to a faster lane", async () => {
      await batches.register(aPlan(1));
      await batches.recordEscalated(ID, 2000);
      await batches.recordEscalated(ID, 1000);
      expect((await batches.get(ID))?.escalatedUntil).toBe(2000);
    });

    it("is not changed through what it was given or gave", async () => {
      const plan = aPlan(1);
      await batches.register(plan);
      plan.group.account = "elsewhere";
      const record = await batches.get(ID);
      // What is given may be frozen, which is as good.
      if (record) Reflect.set(record.plan, "requests", 99);
      expect((await batches.get(ID))?.plan).toEqual(PLAN);
    });
  });
}
