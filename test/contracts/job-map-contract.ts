import { beforeEach, describe, expect, it } from "vitest";
import type { JobMap } from "../../lambdas/ports.ts";
import { race } from "./gather.ts";
import { aClaim, ACME, aLease, aMove, anEnd, jobIdFor, NOON, sourceAt } from "./sample-records.ts";

/** What every job map must do, whatever holds it. `make` gives an empty one. */
export function describeJobMap(name: string, make: () => Promise<JobMap>): void {
  describe(`job map: ${name}`, () => {
    let jobs: JobMap;
    const stored = () => jobs.get(ACME, jobIdFor("one"));
    beforeEach(async () => {
      jobs = await make();
    });

    describe("claim", () => {
      it("gives nothing for a job that nobody claimed", async () => {
        expect(await stored()).toBeUndefined();
      });

      it("gives a job to exactly one of many lines that race for it", async () => {
        const outcomes = await race(20, (line) => jobs.claim(aClaim({ source: sourceAt(line) })));
        expect(outcomes.filter((outcome) => outcome.kind === "claimed")).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome.kind === "duplicate")).toHaveLength(19);
      });

      it("answers the same line in the same way again", async () => {
        const outcomes = await race(10, () => jobs.claim(aClaim()));
        expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome)))).toEqual(
          new Set(['{"kind":"claimed","attempt":1}']),
        );
      });

      it("refuses the same key with another request", async () => {
        await jobs.claim(aClaim());
        expect(await jobs.claim(aClaim({ requestHash: "other" }))).toEqual({
          kind: "conflict",
          job: await stored(),
        });
      });

      it("keeps jobs of different tenants and keys apart", async () => {
        await jobs.claim(aClaim());
        expect(await jobs.claim(aClaim({ jobId: jobIdFor("two") }))).toMatchObject({ kind: "claimed" });
        expect(await jobs.get(ACME, jobIdFor("three"))).toBeUndefined();
      });

      it("opens a failed job again once, for a message that asks for it", async () => {
        await jobs.claim(aClaim({ messageId: "m-1" }));
        await jobs.end(anEnd({ status: "failed" }));
        expect(await jobs.claim(aClaim({ messageId: "m-2" }))).toMatchObject({ kind: "duplicate" });
        const outcomes = await race(10, (line) =>
          jobs.claim(aClaim({ messageId: `m-${line + 2}`, source: sourceAt(line + 1), retry: true })),
        );
        expect(outcomes.filter((outcome) => outcome.kind === "claimed")).toEqual([
          { kind: "claimed", attempt: 2 },
        ]);
        expect(await stored()).toMatchObject({ state: "queued", attempt: 2, roundStart: 2 });
        expect(await stored()).not.toHaveProperty("status");
      });
    });

    describe("lease", () => {
      it("lets exactly one of many workers call", async () => {
        const outcomes = await race(20, (number) => jobs.lease(aLease({ owner: `worker-${number}` })));
        expect(outcomes.filter((outcome) => outcome.kind === "leased")).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome.kind === "busy")).toHaveLength(19);
      });

      it("lets exactly one take over an expired lease, and tells it of the lost call", async () => {
        await jobs.lease(aLease());
        const lost = await stored();
        const now = NOON + 60_000;
        const outcomes = await race(20, (number) =>
          jobs.lease(aLease({ owner: `worker-${number + 2}`, now, leaseUntil: now + 60_000 })),
        );
        const leased = outcomes.filter((outcome) => outcome.kind === "leased");
        expect(leased).toMatchObject([{ job: { attempt: 1 }, lost }]);
        expect(await stored()).toEqual(leased[0]?.job);
      });

      it("tells of a lost call until whoever took it over asks for an attempt of its own", async () => {
        await jobs.lease(aLease());
        const lost = { attempt: 1, intent: { attempt: 1, at: NOON } };
        const takeover = (owner: string, minutes: number) => {
          const now = NOON + minutes * 60_000;
          return jobs.lease(aLease({ owner, now, leaseUntil: now + 60_000 }));
        };
        expect(await takeover("worker-2", 1)).toMatchObject({ kind: "leased", lost });
        expect(await takeover("worker-3", 2)).toMatchObject({ kind: "leased", lost });
        expect(await takeover("worker-3", 2)).toMatchObject({ job: { attempt: 2 }, lost: null });
      });

      it("moves its owner on to the next attempt", async () => {
        await jobs.lease(aLease());
        expect(await jobs.lease(aLease())).toMatchObject({ kind: "leased", job: { attempt: 2 }, lost: null });
      });

      it("leaves a job that waits for its batch alone, unless its source is named", async () => {
        await jobs.claim(aClaim());
        expect(await jobs.lease(aLease())).toMatchObject({ kind: "duplicate" });
        expect(await jobs.lease(aLease({ source: sourceAt(0) }))).toMatchObject({
          kind: "leased",
          job: { attempt: 1 },
        });
      });
    });

    describe("end", () => {
      it("is won by exactly one of many, and stays", async () => {
        await jobs.claim(aClaim());
        const outcomes = await race(20, (number) => jobs.end(anEnd({ endedBy: `settle-${number}` })));
        const winner = outcomes.indexOf("won");
        expect(outcomes.filter((outcome) => outcome === "won")).toHaveLength(1);
        expect(await stored()).toMatchObject({ state: "ended", endedBy: `settle-${winner}` });
        expect(await jobs.end(anEnd({ endedBy: "late", status: "failed" }))).toBe("lost");
        expect(await stored()).toMatchObject({ state: "ended", endedBy: `settle-${winner}` });
      });

      it("answers the step that won in the same way again", async () => {
        await jobs.claim(aClaim());
        expect(await race(5, () => jobs.end(anEnd()))).toEqual(["won", "won", "won", "won", "won"]);
      });

      it("is lost on a job that does not exist, and makes none", async () => {
        expect(await jobs.end(anEnd())).toBe("lost");
        expect(await stored()).toBeUndefined();
      });

      it("keeps what the claim knew and drops what only a running job has", async () => {
        const lease = aLease();
        await jobs.lease(lease);
        await jobs.end(anEnd());
        const { endedBy, status, result, costPicoUsd, producedAt, effectiveUntil, endedAt } = anEnd();
        expect(await stored()).toEqual({
          version: 1,
          tenantId: ACME,
          jobId: jobIdFor("one"),
          requestHash: lease.requestHash,
          messageId: lease.messageId,
          source: null,
          lane: "sync",
          laneReason: "tier",
          attempt: 1,
          roundStart: 1,
          roundAt: lease.receivedAt,
          story: [],
          state: "ended",
          endedBy,
          status,
          result,
          costPicoUsd,
          producedAt,
          effectiveUntil,
          endedAt,
        });
      });

      it("keeps a call that is under way when another step ends the job, also when it is opened again", async () => {
        const lease = aLease();
        await jobs.lease(lease);
        expect(await jobs.end(anEnd({ status: "cancelled", endedBy: "cancel-1" }))).toBe("won");
        const { messageId, source, now: at, leaseUntil: until } = lease;
        const openCalls = [{ attempt: 1, at, until, messageId, source }];
        expect(await stored()).toMatchObject({ state: "ended", openCalls });
        await jobs.claim(aClaim({ retry: true, messageId: "another" }));
        expect(await stored()).toMatchObject({ state: "queued", openCalls });
      });

      it("takes a success of an earlier attempt, but not a failure of one", async () => {
        await jobs.claim(aClaim());
        await jobs.requeue(aMove());
        expect(await jobs.end(anEnd({ status: "failed" }))).toBe("lost");
        expect(await jobs.end(anEnd())).toBe("won");
        expect(await stored()).toMatchObject({ state: "ended", attempt: 2, status: "succeeded" });
      });

      it("takes a success of an attempt that the map has not seen", async () => {
        await jobs.claim(aClaim());
        expect(await jobs.end(anEnd({ attempt: 3 }))).toBe("won");
        expect(await stored()).toMatchObject({ attempt: 3 });
      });
    });

    describe("requeue and dead letter", () => {
      it("moves a job on once, however many steps try", async () => {
        await jobs.claim(aClaim());
        const outcomes = await race(20, (number) => jobs.requeue(aMove({ by: `settle-${number}` })));
        expect(outcomes.filter((outcome) => outcome === "won")).toHaveLength(1);
        const winner = `settle-${outcomes.indexOf("won")}`;
        expect(await jobs.requeue(aMove({ by: winner }))).toBe("won");
        expect(await stored()).toMatchObject({ state: "queued", attempt: 2, requeuedBy: winner });
      });

      it("lets one of an end, a requeue and a dead letter win, never two", async () => {
        await jobs.claim(aClaim());
        const outcomes = await Promise.all([
          jobs.end(anEnd({ status: "failed" })),
          jobs.requeue(aMove({ by: "settle-2" })),
          jobs.deadLetter({ ...aMove({ by: "settle-3" }), source: sourceAt(0) }),
        ]);
        expect(outcomes.filter((outcome) => outcome === "won").length).toBe(1);
      });

      it("puts a direct job out with the source of its request, and takes it back by that source", async () => {
        await jobs.lease(aLease());
        expect(await jobs.deadLetter({ ...aMove({ by: "worker-1" }), source: sourceAt(4) })).toBe("won");
        expect(await stored()).toMatchObject({ state: "dead-lettered", source: sourceAt(4) });
        expect(await stored()).not.toHaveProperty("leaseOwner");
        expect(await jobs.deadLetter({ ...aMove({ by: "worker-2" }), source: sourceAt(4) })).toBe("lost");
        const lease = aLease({ owner: "worker-3", source: sourceAt(4) });
        expect(await jobs.lease(lease)).toMatchObject({
          kind: "leased",
          job: { attempt: 2, roundStart: 2 },
        });
      });

      it("moves no job that does not exist", async () => {
        expect(await jobs.requeue(aMove({ by: "x" }))).toBe("lost");
        expect(await jobs.deadLetter({ ...aMove({ by: "x" }), source: sourceAt(0) })).toBe("lost");
        expect(await stored()).toBeUndefined();
      });
    });
  });
}
