import { describe, expect, test } from "vitest";
import { lanesOf } from "../../lambdas/domain/job-lanes.ts";
import { LostAnswerError } from "../../lambdas/domain/failures.ts";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import type { IncomingMessage } from "../../lambdas/admit-jobs/open-message.ts";
import type { CallAnswer } from "../../lambdas/ports.ts";
import { DIRECT_SETTINGS } from "../../lambdas/run-job/direct-work.ts";
import { RUN_LEASE_MS } from "../../lambdas/run-job/run-job.ts";
import { completion, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const PICO = "90000000";
/** 65 % of the five seconds that a critical job has. */
const HEDGE_MS = 3_250;

const answer = (text: string): CallAnswer => ({
  statusCode: 200,
  retryAfterMs: null,
  body: completion(text),
});
const failure = (statusCode: number): CallAnswer => ({
  statusCode,
  retryAfterMs: null,
  body: { error: { code: "oops", message: "no" } },
});

/** When the nth call ends, in milliseconds after the first began, and how. */
type Script = readonly (readonly [at: number, outcome: CallAnswer | Error])[];

let gateway: MemoryGateway;
let began: number;
let called: number[];

async function start(script: Script) {
  gateway = new MemoryGateway();
  gateway.directSettings = { ...DIRECT_SETTINGS, hedgeShare: 0.65 };
  await gateway.addTenant({ tenantId: "acme" });
  began = gateway.now;
  called = [];
  gateway.answer = () => {
    const [at, outcome] = script[called.length] ?? [0, new Error("one call too many")];
    called.push(gateway.now - began);
    const left = began + at - gateway.now;
    if (left <= 0) return outcome;
    return new Promise((resolve) => {
      gateway.timeout(left).addEventListener("abort", () => resolve(outcome));
    });
  };
}

/** Runs the message while the clock moves on, a quarter second at a time, whenever nothing else happens. */
async function run(message: IncomingMessage): Promise<string> {
  const state = { isOver: false };
  const outcome = gateway.runMessage(message).finally(() => {
    state.isOver = true;
  });
  outcome.catch(() => {});
  while (!state.isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!state.isOver) gateway.elapse(250);
  }
  return outcome;
}

const urgent = (fields: Record<string, unknown> = {}) =>
  gateway.message(jobMessage({ tier: "critical", ...fields }), "critical");
const money = async () =>
  (await gateway.entries("acme")).map(({ kind, jobs, entryId, premiumPicoUsd = "0" }) => [
    `${kind} ${entryId.at(-1)}`,
    jobs,
    premiumPicoUsd,
  ]);
const texts = async () =>
  (await gateway.results("acme")).map(({ response }) => {
    const { choices } = response as {
      readonly choices: readonly { readonly message: { content: string } }[];
    };
    return choices[0]?.message.content;
  });

describe("a critical call that is not answered by the hedge point", () => {
  test("is made a second time; the first answer is the result, and both are paid", async () => {
    await start([
      [9_000, answer("first")],
      [4_500, answer("second")],
    ]);
    expect(await run(urgent())).toBe("ended");
    expect(called).toEqual([0, HEDGE_MS]);
    expect(await texts()).toEqual(["second"]);
    expect(await money()).toEqual([
      ["direct 1", 0, PICO],
      ["direct 2", 1, "0"],
    ]);
  });

  test("may win all the same", async () => {
    await start([
      [4_000, answer("first")],
      [6_000, answer("second")],
    ]);
    const message = urgent();
    expect(await run(message)).toBe("ended");
    expect(await texts()).toEqual(["first"]);
    const paid = [
      ["direct 1", 1, "0"],
      ["direct 2", 0, PICO],
    ];
    expect(await money()).toEqual(paid);
    // Its message comes once more: nothing is called or charged again.
    expect(await run(message)).toBe("duplicate");
    expect(called).toHaveLength(2);
    expect(await money()).toEqual(paid);
  });

  test("is told of by the job, and costs none of its attempts", async () => {
    await start([
      [9_000, failure(500)],
      [8_000, failure(500)],
      [0, failure(500)],
      [0, answer("fourth")],
    ]);
    await run(urgent());
    expect(called).toHaveLength(4);
    expect(await texts()).toEqual(["fourth"]);
    const [{ jobId } = { jobId: null }] = await gateway.results("acme");
    expect(jobId).toBeNull();
  });

  test("is waited for when the second fails; what failed is not taken for lost", async () => {
    await start([
      [7_000, answer("first")],
      [4_000, failure(500)],
    ]);
    expect(await run(urgent())).toBe("ended");
    expect(await texts()).toEqual(["first"]);
    expect(await money()).toEqual([["direct 1", 1, "0"]]);
  });

  test("is named when its answer never comes, after the other was delivered", async () => {
    await start([
      [7_000, new LostAnswerError("cut")],
      [4_000, answer("second")],
    ]);
    await run(urgent());
    const [first, second] = await gateway.entries("acme");
    expect([first, second]).toMatchObject([
      { kind: "direct", jobs: 1 },
      { kind: "unconfirmed", jobs: 0 },
    ]);
    expect(second?.premiumPicoUsd).toBe(second?.costPicoUsd);
  });

  test("delivers before the other has answered", async () => {
    await start([
      [50_000, answer("first")],
      [4_000, answer("second")],
    ]);
    const told: number[] = [];
    Object.assign(gateway, { tell: { ran: () => told.push(gateway.now - began) } });
    await run(urgent());
    expect(told[0]).toBeLessThan(5_000);
    expect(gateway.now - began).toBeGreaterThanOrEqual(50_000);
  });
});

describe("a call is not made twice", () => {
  test.each([
    ["it is answered before", 3_000, {}],
    ["the job is not critical", 20_000, { tier: "high" }],
  ])("when %s", async (_why, at, fields) => {
    await start([[at, answer("first")]]);
    await run(urgent(fields));
    expect(called).toEqual([0]);
    expect(await money()).toEqual([["direct 1", 1, "0"]]);
  });

  test("when it is switched off", async () => {
    await start([[9_000, answer("first")]]);
    gateway.directSettings = DIRECT_SETTINGS;
    await run(urgent());
    expect(called).toEqual([0]);
  });

  test("when the job was cancelled meanwhile: the first is still charged", async () => {
    await start([[9_000, answer("first")]]);
    const message = urgent();
    const running = run(message);
    await new Promise((resolve) => setImmediate(resolve));
    const cancel = { version: 1, tenantId: "acme", cancel: { idempotencyKey: "call-1/summary" } };
    await gateway.runMessage(gateway.message(cancel, "critical"));
    await running;
    expect(called).toEqual([0]);
    expect(await gateway.results("acme")).toMatchObject([{ status: "cancelled" }]);
    expect(await money()).toEqual([["direct 1", 0, "0"]]);
  });
});

/** The ports of a run whose calls can break, and their methods. */
const METHODS = [
  ["jobs", "lease"],
  ["jobs", "end"],
  ["objects", "put"],
  ["objects", "get"],
  ["ledger", "record"],
  ["deliveries", "send"],
] as const;

type Ports = Record<string, Record<string, (...parameters: never[]) => Promise<unknown>>>;

/** Lets the nth call of a method end its worker, before its effect or after it. Returns whether it came to that. */
function breakCall(port: string, method: string, nth: number, when: "before" | "after"): () => boolean {
  const target = (gateway as unknown as Ports)[port]!;
  const whole = target[method]!;
  let calls = 0;
  let broke = false;
  target[method] = async (...parameters: never[]) => {
    calls += 1;
    if (calls !== nth) return whole.apply(target, parameters);
    broke = true;
    if (when === "after") await whole.apply(target, parameters);
    throw new Error("died");
  };
  return () => broke;
}

describe("a worker that dies while two calls are under way", () => {
  const scripts: readonly (readonly [string, Script])[] = [
    [
      "the second answers first",
      [
        [9_000, answer("first")],
        [4_500, answer("second")],
      ],
    ],
    [
      "the first answers first",
      [
        [4_500, answer("first")],
        [9_000, answer("second")],
      ],
    ],
    [
      "one fails",
      [
        [4_500, failure(500)],
        [9_000, answer("second")],
      ],
    ],
  ];
  test.each(scripts)("leaves both to the next one, wherever it dies: %s", async (_name, script) => {
    let deaths = 0;
    for (const [port, method] of METHODS)
      for (const when of ["before", "after"] as const)
        for (let nth = 1; ; nth += 1) {
          await start([...script, [0, answer("third")], [0, answer("fourth")]]);
          const broke = breakCall(port, method, nth, when);
          const message = urgent();
          for (let turn = 0; turn < 6; turn += 1) {
            await run(message).catch(() => "died");
            gateway.elapse(RUN_LEASE_MS);
          }
          const site = `${when} ${port}.${method} ${nth}`;
          const entries = await gateway.entries("acme");
          const attempts = entries.map(({ entryId }) => Number(entryId.at(-1)));
          expect(new Set(attempts).size, `${site}: each attempt has one entry`).toBe(attempts.length);
          expect(
            entries.filter(({ jobs }) => jobs === 1),
            `${site}: one result`,
          ).toHaveLength(1);
          const answered = called.filter((_at, number) => {
            const [, outcome] = [...script, [0, answer("third")], [0, answer("fourth")]][number] ?? [];
            return (
              outcome !== undefined &&
              "statusCode" in (outcome as object) &&
              (outcome as CallAnswer).statusCode === 200
            );
          });
          // Whatever was billed is charged or named; a call that was never sent may be named too.
          expect(entries.length, `${site}: every answer is accounted for`).toBeGreaterThanOrEqual(
            answered.length,
          );
          const results = await gateway.results("acme");
          expect(new Set(results.map(({ status }) => status)), site).toEqual(new Set(["succeeded"]));
          expect(
            new Set(results.map(({ attempts: attempt }) => attempt)).size,
            `${site}: one first result`,
          ).toBe(1);
          if (!broke()) break;
          deaths += 1;
        }
    expect(deaths).toBeGreaterThan(12);
  });
});

test.each(["before", "after"] as const)(
  "a lease for the second call that fails %s its effect: the first is settled, and what was written down is named",
  async (when) => {
    await start([[9_000, answer("first")]]);
    breakCall("jobs", "lease", 2, when);
    const message = urgent();
    const outcome = await run(message).catch(() => "died");
    expect(outcome).toBe(when === "before" ? "ended" : "died");
    gateway.elapse(RUN_LEASE_MS);
    expect(await run(message)).toBe("duplicate");
    expect(called).toEqual([0]);
    expect(new Set(await texts())).toEqual(new Set(["first"]));
    const entries = (await money()).map(([which, jobs]) => [which, jobs]);
    expect(entries).toEqual([["direct 1", 1], ...(when === "after" ? [["unconfirmed 2", 0]] : [])]);
  },
);

test("the job tells of the second call as of a lane", async () => {
  await start([
    [9_000, answer("first")],
    [4_500, answer("second")],
  ]);
  await run(urgent());
  const [{ jobId } = { jobId: null }] = await gateway.results("acme");
  const job = await gateway.jobs.get("acme" as TenantId, jobId!);
  expect(lanesOf(job!).map(({ attempt, reason }) => [attempt, reason.includes("second time")])).toEqual([
    [1, false],
    [2, true],
  ]);
});
