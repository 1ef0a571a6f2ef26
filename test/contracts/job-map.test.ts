import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DynamoJobMap } from "../../lambdas/adapters/dynamo-job-map.ts";
import { MemoryJobMap } from "../../lambdas/adapters/memory-job-map.ts";
import { RetryableError, TerminalError } from "../../lambdas/domain/failures.ts";
import { cutOff, loseNextAnswer, recordCommands } from "./client-faults.ts";
import { startTables, type Tables } from "./emulators.ts";
import { describeJobLanes } from "./job-lanes-contract.ts";
import { describeJobMap } from "./job-map-contract.ts";
import { describeJobStories } from "./job-stories-contract.ts";
import { anyOperation, finalState, type Operation } from "./job-map-operations.ts";
import { aClaim, ACME, aLease, aMove, anEnd, jobIdFor, sourceAt } from "./sample-records.ts";

let tables: Tables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

async function dynamo() {
  const client = tables.client();
  const table = await tables.create("pk");
  return { client, table, jobs: new DynamoJobMap(client, table) };
}

for (const describeContract of [describeJobMap, describeJobStories, describeJobLanes]) {
  describeContract("memory", async () => new MemoryJobMap());
  describeContract("DynamoDB", async () => (await dynamo()).jobs);
}

async function run(jobs: DynamoJobMap | MemoryJobMap, operations: readonly Operation[]): Promise<unknown[]> {
  const outcomes: unknown[] = [];
  for (const operation of operations) outcomes.push(await operation.run(jobs));
  return outcomes;
}

/** Every order in which the operations could have been carried out. */
function orders<Item>(items: readonly Item[]): Item[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

describe("the job map in DynamoDB against its specification", () => {
  it("answers any sequence of calls as the pure functions do", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyOperation, { maxLength: 25 }), async (operations) => {
        const specification = new MemoryJobMap();
        const { jobs } = await dynamo();
        expect(await run(jobs, operations)).toEqual(await run(specification, operations));
        expect(await finalState(jobs)).toEqual(await finalState(specification));
      }),
      { numRuns: 60 },
    );
  });

  it("answers calls that race as if they had come in some order", async () => {
    const racing = fc.array(anyOperation, { minLength: 2, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(anyOperation, { maxLength: 6 }), racing, async (before, operations) => {
        const { jobs } = await dynamo();
        await run(jobs, before);
        const outcomes = await Promise.all(operations.map((operation) => operation.run(jobs)));
        const seen = { outcomes, state: await finalState(jobs) };
        const possible: unknown[] = [];
        for (const order of orders([...operations.keys()])) {
          const specification = new MemoryJobMap();
          await run(specification, before);
          const answers: unknown[] = [];
          for (const index of order) answers[index] = await operations[index]?.run(specification);
          possible.push({ outcomes: answers, state: await finalState(specification) });
        }
        expect(possible).toContainEqual(seen);
      }),
      { numRuns: 60 },
    );
  });
});

describe("the job map in DynamoDB when answers are lost", () => {
  it.each<[string, string, (jobs: DynamoJobMap) => Promise<unknown>, unknown]>([
    ["a claim", "PutItemCommand", (jobs) => jobs.claim(aClaim()), { kind: "claimed", attempt: 1 }],
    ["an end", "UpdateItemCommand", (jobs) => jobs.end(anEnd()), "won"],
    ["a requeue", "PutItemCommand", (jobs) => jobs.requeue(aMove()), "won"],
    [
      "a dead letter",
      "PutItemCommand",
      (jobs) => jobs.deadLetter({ ...aMove(), source: sourceAt(0) }),
      "won",
    ],
  ])("gives %s the answer that was lost", async (what, command, act, answer) => {
    const { client, jobs } = await dynamo();
    if (what !== "a claim") await jobs.claim(aClaim());
    const calls = loseNextAnswer(client, command);
    expect(await act(jobs)).toEqual(answer);
    expect(calls()).toBe(2);
  });

  it("counts a lease whose answer was lost as one attempt", async () => {
    const { client, jobs } = await dynamo();
    const calls = loseNextAnswer(client, "PutItemCommand");
    expect(await jobs.lease(aLease())).toMatchObject({ kind: "leased", job: { attempt: 1 }, lost: null });
    expect(calls()).toBe(2);
    expect(await jobs.get(ACME, jobIdFor("one"))).toMatchObject({ state: "running", attempt: 1 });
  });

  it("still tells of the lost call when the answer to the takeover is lost", async () => {
    const { client, jobs } = await dynamo();
    const first = aLease();
    await jobs.lease(first);
    loseNextAnswer(client, "PutItemCommand");
    const takeover = aLease({ owner: "worker-2", now: first.leaseUntil, leaseUntil: first.leaseUntil + 1 });
    expect(await jobs.lease(takeover)).toMatchObject({
      kind: "leased",
      job: { attempt: 1 },
      lost: { leaseOwner: "worker-1" },
    });
  });

  it("throws RetryableError when DynamoDB is out of reach", async () => {
    const { client, jobs } = await dynamo();
    cutOff(client, "PutItemCommand");
    await expect(jobs.claim(aClaim())).rejects.toBeInstanceOf(RetryableError);
  });
});

describe("what the job map in DynamoDB costs and stores", () => {
  it("takes one write for a claim, a lease and an end, and no read", async () => {
    const { client, jobs } = await dynamo();
    const sent = recordCommands(client);
    await jobs.claim(aClaim());
    await jobs.end(anEnd());
    await jobs.lease(aLease({ jobId: jobIdFor("two") }));
    await jobs.end(anEnd({ jobId: jobIdFor("two"), status: "failed" }));
    expect(sent).toEqual(["PutItemCommand", "UpdateItemCommand", "PutItemCommand", "UpdateItemCommand"]);
  });

  it("drops a running job's attributes when it ends", async () => {
    const { client, table, jobs } = await dynamo();
    await jobs.lease(aLease());
    await jobs.end(anEnd());
    const key = { pk: `${ACME}#${jobIdFor("one")}` };
    const { Item: item = {} } = await client.send(new GetCommand({ TableName: table, Key: key }));
    const job = await jobs.get(ACME, jobIdFor("one"));
    expect(Object.keys(item).sort()).toEqual(
      [...Object.keys(job ?? {}), "pk", "writeId", "expiresAt"].sort(),
    );
  });

  it("keeps an ended job for 30 days, and a job opened again for good", async () => {
    const { client, table, jobs } = await dynamo();
    const expiresAt = async () => {
      const key = { pk: `${ACME}#${jobIdFor("one")}` };
      const { Item: item } = await client.send(new GetCommand({ TableName: table, Key: key }));
      return item?.["expiresAt"] as unknown;
    };
    await jobs.claim(aClaim());
    expect(await expiresAt()).toBeUndefined();
    await jobs.end(anEnd({ status: "failed" }));
    expect(await expiresAt()).toBe(Math.floor(anEnd().endedAt / 1000) + 30 * 86_400);
    await jobs.claim(aClaim({ messageId: "m-2", retry: true }));
    expect(await expiresAt()).toBeUndefined();
  });

  it("reads records of the release before, and carries them on", async () => {
    const { client, table, jobs } = await dynamo();
    const before = async (key: string) => {
      const pk = `${ACME}#${jobIdFor(key)}`;
      const { Item: item = {} } = await client.send(new GetCommand({ TableName: table, Key: { pk } }));
      const { roundAt: _roundAt, story: _story, ...old } = item;
      await client.send(new PutCommand({ TableName: table, Item: old }));
    };
    for (const key of ["ended", "one"]) {
      await jobs.claim(aClaim({ jobId: jobIdFor(key) }));
      await before(key);
    }
    expect(await jobs.get(ACME, jobIdFor("one"))).toMatchObject({ roundAt: 0, story: [] });
    expect(await jobs.claim(aClaim())).toEqual({ kind: "claimed", attempt: 1 });
    expect(await jobs.requeue(aMove())).toBe("won");
    const { at, by, code } = aMove();
    expect(await jobs.get(ACME, jobIdFor("one"))).toMatchObject({
      roundAt: 0,
      story: [{ attempt: 1, at, by, code }],
    });
    expect(await jobs.end(anEnd({ jobId: jobIdFor("ended") }))).toBe("won");
    const [ended] = await jobs.getMany([{ tenantId: ACME, jobId: jobIdFor("ended") }]);
    expect(ended).toMatchObject({ state: "ended", roundAt: 0, story: [] });
  });

  it("refuses to read a record of a version it does not know", async () => {
    const { client, table, jobs } = await dynamo();
    await jobs.claim(aClaim());
    const key = { pk: `${ACME}#${jobIdFor("one")}` };
    const { Item: item } = await client.send(new GetCommand({ TableName: table, Key: key }));
    await client.send(new PutCommand({ TableName: table, Item: { ...item, version: 99 } }));
    await expect(jobs.get(ACME, jobIdFor("one"))).rejects.toBeInstanceOf(TerminalError);
    await expect(jobs.end(anEnd())).rejects.toBeInstanceOf(TerminalError);
  });
});
