import * as fc from "fast-check";
import type { JobMap } from "../../lambdas/ports.ts";
import { aClaim, ACME, aLease, aMove, anEnd, jobIdFor, NOON, sourceAt } from "./sample-records.ts";

/** One call of a job map: what it is, for the report of a failing run, and how it is made. */
export type Operation = { readonly name: string; readonly run: (jobs: JobMap) => Promise<unknown> };

function operation(name: string, input: unknown, run: (jobs: JobMap) => Promise<unknown>): Operation {
  return { name: `${name} ${JSON.stringify(input)}`, run };
}

// Few values each, so that calls meet: the same job, attempts just before and after, the same and other workers.
const jobId = fc.constantFrom(jobIdFor("one"), jobIdFor("two"));
const attempt = fc.integer({ min: 1, max: 4 });
const owner = fc.constantFrom("worker-1", "worker-2");
const by = fc.constantFrom("step-a", "step-b");
const messageId = fc.constantFrom(null, "m-1", "m-2");
const source = fc.integer({ min: 0, max: 1 }).map(sourceAt);
const requestHash = fc.constantFrom("hash", "hash", "hash", "other");
const now = fc.integer({ min: 0, max: 3 }).map((minute) => NOON + minute * 60_000);

const receivedAt = fc.constantFrom(NOON - 60_000, NOON);

const claim = fc
  .record({ jobId, messageId, source, requestHash, retry: fc.boolean(), receivedAt })
  .map(aClaim)
  .map((input) => operation("claim", input, (jobs) => jobs.claim(input)));

const lease = fc
  .record({
    jobId,
    messageId,
    source: fc.option(source),
    requestHash,
    retry: fc.boolean(),
    receivedAt,
    attempt: fc.option(attempt),
    owner,
    now,
    lane: fc.constantFrom("sync", "flex"),
    goesOn: fc.constantFrom("counted", "spared", "hedge"),
  })
  .map((fields) => aLease({ ...fields, leaseUntil: fields.now + 60_000 }))
  .map((input) => operation("lease", input, (jobs) => jobs.lease(input)));

const end = fc
  .record({ jobId, attempt, endedBy: by, status: fc.constantFrom("succeeded", "failed", "cancelled") })
  .map(anEnd)
  .map((input) => operation("end", input, (jobs) => jobs.end(input)));

const move = fc.record({
  jobId,
  attempt,
  by,
  at: now,
  code: fc.constantFrom("server_error", "batch_expired", "batch_late"),
  counts: fc.boolean(),
});
const requeue = fc
  .tuple(move, fc.option(owner, { nil: undefined }))
  .map(([fields, owner]) => aMove({ ...fields, owner }))
  .map((input) => operation("requeue", input, (jobs) => jobs.requeue(input)));
const deadLetter = fc
  .tuple(move, source)
  .map(([fields, source]) => ({ ...aMove(fields), source }))
  .map((input) => operation("deadLetter", input, (jobs) => jobs.deadLetter(input)));

export const anyOperation: fc.Arbitrary<Operation> = fc.oneof(claim, lease, end, requeue, deadLetter);

/** Both jobs that the operations touch, as they stand, and as they are read together. */
export async function finalState(jobs: JobMap): Promise<unknown> {
  const both = [
    { tenantId: ACME, jobId: jobIdFor("one") },
    { tenantId: ACME, jobId: jobIdFor("two") },
  ];
  const each = await Promise.all(both.map(({ tenantId, jobId: id }) => jobs.get(tenantId, id)));
  return { each, together: await jobs.getMany(both) };
}
