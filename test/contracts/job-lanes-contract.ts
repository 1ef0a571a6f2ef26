import { beforeEach, describe, expect, it } from "vitest";
import { isEscalated, lanesOf } from "../../lambdas/domain/job-lanes.ts";
import { BATCH_LATE } from "../../lambdas/domain/job-state.ts";
import type { JobMap } from "../../lambdas/ports.ts";
import { aClaim, ACME, aLease, aMove, anEnd, jobIdFor, NOON, sourceAt } from "./sample-records.ts";

/** What every job map must keep of a job's lanes, and of calls that are made beside one another. */
export function describeJobLanes(name: string, make: () => Promise<JobMap>): void {
  describe(`jobs' lanes and doubled calls: ${name}`, () => {
    let jobs: JobMap;
    const stored = () => jobs.get(ACME, jobIdFor("one"));
    const told = async () => {
      const job = await stored();
      return job && lanesOf(job).map(({ attempt, lane, reason }) => `${attempt} ${lane}: ${reason}`);
    };
    const run = { messageId: null, source: sourceAt(0) };
    beforeEach(async () => {
      jobs = await make();
    });

    describe("lanes", () => {
      it("are kept with their reasons, the admission's first, each once", async () => {
        await jobs.claim(aClaim());
        expect(await told()).toEqual(["1 batch: tier"]);
        expect(await stored()).not.toHaveProperty("lanes");
        await jobs.requeue(aMove({ code: BATCH_LATE, counts: false }));
        const escalated = { ...run, attempt: 2, lane: "flex", laneReason: "late" } as const;
        await jobs.lease(aLease(escalated));
        await jobs.lease(aLease({ ...escalated, goesOn: "spared", lane: "sync", laneReason: "no capacity" }));
        await jobs.lease(aLease({ ...escalated, lane: "sync", laneReason: "no capacity" }));
        const whole = ["1 batch: tier", "2 flex: late", "3 sync: no capacity"];
        expect(await told()).toEqual(whole);
        await jobs.end(anEnd({ attempt: 4 }));
        expect(await told()).toEqual(whole);
        expect(await stored()).toMatchObject({ lane: "sync", laneReason: "no capacity", attempt: 4 });
      });

      it("are forgotten from the oldest on when there are many", async () => {
        await jobs.lease(aLease());
        for (let number = 0; number < 12; number += 1) await jobs.lease(aLease({ laneReason: `r${number}` }));
        const reasons = (await told())?.map((line) => line.split(": ")[1]);
        expect(reasons).toEqual(["r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11"]);
      });

      it("are those of a call: what is under way says in which it is billed", async () => {
        await jobs.claim(aClaim());
        await jobs.lease(aLease({ ...run, lane: "flex" }));
        expect(await stored()).toMatchObject({ intent: { attempt: 1, at: NOON, lane: "flex" } });
        await jobs.end(anEnd({ status: "cancelled", endedBy: "cancel-1" }));
        expect(await stored()).toMatchObject({ openCalls: [{ attempt: 1, lane: "flex" }] });
      });
    });

    describe("a job that left a late batch", () => {
      it("is known for it from its next attempt on, also from the dead letters, until it is opened again", async () => {
        await jobs.claim(aClaim({ messageId: "m-1" }));
        await jobs.requeue(aMove());
        expect(await stored()).not.toHaveProperty("escalated");
        await jobs.requeue(aMove({ attempt: 2, code: BATCH_LATE, counts: false }));
        expect(await stored()).toMatchObject({ attempt: 3, escalated: { from: 3 } });
        await jobs.lease(aLease({ ...run, attempt: 3 }));
        await jobs.deadLetter({ ...aMove({ attempt: 3 }), source: sourceAt(0) });
        await jobs.lease(aLease({ ...run, owner: "worker-2" }));
        expect(await stored()).toMatchObject({
          state: "running",
          intent: { attempt: 4, escalated: true },
          escalated: { from: 3 },
        });
        await jobs.end(anEnd({ attempt: 4, status: "failed" }));
        expect(await stored()).toMatchObject({ state: "ended", escalated: { from: 3 } });
        await jobs.claim(aClaim({ messageId: "m-2", retry: true }));
        expect(await stored()).toMatchObject({ attempt: 5, escalated: { from: 3, until: 5 } });
        await jobs.lease(aLease({ ...run, attempt: 5 }));
        expect(await stored()).toMatchObject({ intent: { attempt: 5 } });
        expect(await stored()).not.toHaveProperty("intent.escalated");
        const last = await stored();
        expect(last && [2, 3, 4, 5].filter((attempt) => isEscalated(last, attempt))).toEqual([3, 4]);
      });
    });

    describe("the holder of a lease", () => {
      it("goes on to an attempt that counts, or to one that leaves the round as long as it was", async () => {
        await jobs.lease(aLease());
        await jobs.lease(aLease());
        expect(await stored()).toMatchObject({ attempt: 2, roundStart: 1 });
        await jobs.lease(aLease({ goesOn: "spared" }));
        expect(await stored()).toMatchObject({ attempt: 3, roundStart: 2 });
        expect(await stored()).not.toHaveProperty("openCalls");
      });

      it("doubles its call in one write: the first is an open call, for as long as the worker may live", async () => {
        await jobs.lease(aLease());
        const leaseUntil = NOON + 90_000;
        const leased = await jobs.lease(aLease({ goesOn: "hedge", now: NOON + 2_000, leaseUntil }));
        expect(leased).toMatchObject({ kind: "leased", job: { attempt: 2, roundStart: 2 }, lost: null });
        const first = {
          attempt: 1,
          at: NOON,
          until: leaseUntil,
          messageId: "m-1",
          source: null,
          hedged: true,
        };
        expect(await stored()).toMatchObject({
          intent: { attempt: 2, at: NOON + 2_000, hedged: true },
          openCalls: [first],
        });
      });

      it.each([
        [1, [1, 2]],
        [2, [1]],
      ])(
        "may end the job with either answer: after attempt %i the other is an open call",
        async (attempt, open) => {
          await jobs.lease(aLease());
          await jobs.lease(aLease({ goesOn: "hedge" }));
          expect(await jobs.end(anEnd({ attempt, endedBy: "direct" }))).toBe("won");
          expect(await jobs.end(anEnd({ attempt: 3 - attempt, endedBy: "other" }))).toBe("lost");
          const job = await stored();
          expect(job).toMatchObject({ state: "ended", endedBy: "direct" });
          expect(job?.openCalls?.map((call) => call.attempt)).toEqual(open);
        },
      );

      it("leaves both calls to whoever takes the job over", async () => {
        await jobs.lease(aLease());
        const { leaseUntil } = aLease();
        await jobs.lease(aLease({ goesOn: "hedge" }));
        const takeover = aLease({ owner: "worker-2", now: leaseUntil, leaseUntil: leaseUntil + 1 });
        expect(await jobs.lease(takeover)).toMatchObject({
          kind: "leased",
          lost: { intent: { attempt: 2, hedged: true } },
          job: { openCalls: [{ attempt: 1, hedged: true }] },
        });
      });

      it("doubles nothing once another step has ended the job", async () => {
        await jobs.lease(aLease());
        await jobs.end(anEnd({ status: "cancelled", endedBy: "cancel-1" }));
        expect(await jobs.lease(aLease({ goesOn: "hedge" }))).toMatchObject({ kind: "duplicate" });
        expect((await stored())?.openCalls).toHaveLength(1);
      });
    });
  });
}
