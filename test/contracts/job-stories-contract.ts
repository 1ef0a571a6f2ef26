import { beforeEach, describe, expect, it } from "vitest";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import type { JobMap } from "../../lambdas/ports.ts";
import { aClaim, ACME, aLease, aMove, anEnd, jobIdFor, NOON, sourceAt } from "./sample-records.ts";

const LONGEST_STORY = 8;

/** What every job map must keep of a job's failed attempts, and how it gives many jobs at once. */
export function describeJobStories(name: string, make: () => Promise<JobMap>): void {
  describe(`jobs' stories and many jobs: ${name}`, () => {
    let jobs: JobMap;
    const stored = () => jobs.get(ACME, jobIdFor("one"));
    beforeEach(async () => {
      jobs = await make();
    });

    describe("a requeue", () => {
      it("leaves the round as it is for an attempt that counts, and begins it later for one that does not", async () => {
        await jobs.claim(aClaim());
        await jobs.requeue(aMove({ counts: true }));
        expect(await stored()).toMatchObject({ attempt: 2, roundStart: 1 });
        await jobs.requeue(aMove({ attempt: 2, counts: false }));
        expect(await stored()).toMatchObject({ attempt: 3, roundStart: 2 });
        await jobs.requeue(aMove({ attempt: 2, counts: false }));
        expect(await stored()).toMatchObject({ attempt: 3, roundStart: 2 });
      });

      it("tells of the attempt, once, however often its step is repeated", async () => {
        await jobs.claim(aClaim());
        for (const _ of [1, 2]) expect(await jobs.requeue(aMove({ at: NOON + 1, code: "x" }))).toBe("won");
        expect(await jobs.requeue(aMove({ by: "settle-2" }))).toBe("lost");
        expect((await stored())?.story).toEqual([{ attempt: 1, at: NOON + 1, by: "settle-1", code: "x" }]);
      });

      it("keeps the latest attempts of a long story", async () => {
        await jobs.claim(aClaim());
        const attempts = Array.from({ length: LONGEST_STORY + 3 }, (_, index) => index + 1);
        for (const attempt of attempts) await jobs.requeue(aMove({ attempt, counts: false }));
        const told = (await stored())?.story.map(({ attempt }) => attempt);
        expect(told).toEqual(attempts.slice(-LONGEST_STORY));
      });
    });

    it("keep their story when they are called, put out, ended and opened again", async () => {
      const told = async () => (await stored())?.story.map(({ attempt, code }) => `${attempt} ${code}`);
      await jobs.claim(aClaim({ messageId: "m-1" }));
      await jobs.requeue(aMove({ code: "a" }));
      await jobs.lease(aLease({ source: sourceAt(0) }));
      expect(await told()).toEqual(["1 a"]);
      await jobs.deadLetter({ ...aMove({ attempt: 2, code: "b" }), source: sourceAt(0) });
      expect(await told()).toEqual(["1 a", "2 b"]);
      await jobs.lease(aLease({ source: sourceAt(0) }));
      await jobs.end(anEnd({ attempt: 3, status: "failed" }));
      expect(await told()).toEqual(["1 a", "2 b"]);
      await jobs.claim(aClaim({ messageId: "m-2", retry: true, receivedAt: NOON + 5 }));
      expect(await told()).toEqual(["1 a", "2 b"]);
    });

    it("know when the message of their round was received", async () => {
      await jobs.claim(aClaim({ messageId: "m-1", receivedAt: NOON }));
      await jobs.claim(aClaim({ messageId: "m-1", receivedAt: NOON + 1 }));
      expect(await stored()).toMatchObject({ roundAt: NOON });
      await jobs.requeue(aMove());
      await jobs.lease(aLease({ source: sourceAt(0), messageId: null, receivedAt: NOON + 2 }));
      expect(await stored()).toMatchObject({ state: "running", roundAt: NOON });
      await jobs.end(anEnd({ attempt: 2, status: "failed" }));
      expect(await stored()).toMatchObject({ state: "ended", roundAt: NOON });
      await jobs.lease(aLease({ messageId: "m-2", retry: true, receivedAt: NOON + 3 }));
      expect(await stored()).toMatchObject({ state: "running", roundAt: NOON + 3 });
    });

    it("take no answer to what was asked before their round", async () => {
      await jobs.claim(aClaim({ receivedAt: NOON }));
      expect(await jobs.end(anEnd({ receivedAt: NOON - 1 }))).toBe("lost");
      expect(await jobs.end(anEnd({ receivedAt: NOON }))).toBe("won");
    });

    describe("a lease for an attempt", () => {
      it("is given for the job's own, and for none that it moved on from or has not reached", async () => {
        await jobs.claim(aClaim());
        await jobs.requeue(aMove());
        const leaseOf = (attempt: number) => jobs.lease(aLease({ source: sourceAt(0), attempt }));
        expect(await leaseOf(1)).toMatchObject({ kind: "duplicate" });
        expect(await leaseOf(3)).toMatchObject({ kind: "duplicate" });
        expect(await stored()).toMatchObject({ state: "queued", attempt: 2 });
        expect(await leaseOf(2)).toMatchObject({ kind: "leased", job: { attempt: 2 } });
      });
    });

    describe("many jobs", () => {
      const ref = (key: string, tenantId = ACME) => ({ tenantId, jobId: jobIdFor(key) });

      it("are given in the order asked for, repeated ones and unknown ones too", async () => {
        await jobs.claim(aClaim());
        await jobs.claim(aClaim({ jobId: jobIdFor("two") }));
        await jobs.end(anEnd({ jobId: jobIdFor("two") }));
        const found = await jobs.getMany([ref("two"), ref("none"), ref("one"), ref("two"), ref("none")]);
        const states = found.map((job) => job?.state);
        expect(states).toEqual(["ended", undefined, "queued", "ended", undefined]);
        expect(found[2]).toEqual(await stored());
      });

      it("are told apart by tenant", async () => {
        await jobs.claim(aClaim());
        expect(await jobs.getMany([ref("one", "globex" as TenantId)])).toEqual([undefined]);
      });

      it("are none when none is asked for", async () => {
        expect(await jobs.getMany([])).toEqual([]);
      });

      it("may be more than fit into one call", async () => {
        const keys = Array.from({ length: 250 }, (_, number) => `job-${number}`);
        const claimed = keys.filter((_, number) => number % 3 !== 0);
        await Promise.all(claimed.map((key) => jobs.claim(aClaim({ jobId: jobIdFor(key) }))));
        const found = await jobs.getMany(keys.map((key) => ref(key)));
        expect(found.map((job) => job?.jobId)).toEqual(
          keys.map((key, number) => (number % 3 === 0 ? undefined : jobIdFor(key))),
        );
      });
    });
  });
}
