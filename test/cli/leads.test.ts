import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runOffpeak } from "../../cli/program.ts";
import { LEAD_RUN, leadKeys } from "../../lambdas/domain/lead-scoring/lead-records.ts";
import { decideClaim, decideDone, type LeadRun } from "../../lambdas/domain/lead-scoring/lead-run.ts";
import { ACME, NOON } from "../contracts/sample-records.ts";
import { type StackFixture, startStackFixture } from "./stack-fixture.ts";

const MINUTE = 60_000;

let fixture: StackFixture;
beforeAll(async () => {
  fixture = await startStackFixture();
  const file = await fixture.file("tenants.json", [
    { tenantId: "acme", workloads: { leadScoring: { timeZone: "Pacific/Auckland" } } },
    { tenantId: "far-west", workloads: { leadScoring: { timeZone: "Pacific/Pago_Pago" } } },
    { tenantId: "globex" },
  ]);
  await fixture.json("tenants", "put", file);
});
afterAll(() => fixture.stop());

/** Runs the command; returns what it did and what was asked of Step Functions meanwhile. */
async function run(...args: string[]) {
  const before = fixture.stateCalls.length;
  const done = await fixture.offpeak("leads", "run", ...args);
  return { ...done, calls: fixture.stateCalls.slice(before) };
}

/** A run of the day by some execution, claimed at `at`. */
async function aRun(day: string, at: number, done = false): Promise<LeadRun | undefined> {
  const records = fixture.open().workloadRecords();
  const key = leadKeys.run(ACME, day);
  await records.decide(LEAD_RUN, key, (run) =>
    decideClaim(run, { day, holder: "tick", now: at, again: false }),
  );
  if (done) await records.decide(LEAD_RUN, key, (run) => decideDone(run, "tick", at + MINUTE));
  return records.get(LEAD_RUN, key);
}

test("a day's leads are run again by the machine of the outputs, and it is said how to see what comes of it", async () => {
  await aRun("2026-11-20", NOON - 600 * MINUTE, true);
  const { code, out, error, calls } = await run("acme", "2026-11-20");
  expect({ code, error }).toEqual({ code: 0, error: "" });
  expect(calls).toEqual([
    [
      "StartExecution",
      {
        stateMachineArn: expect.stringMatching(/:stateMachine:Test-LeadScoring$/),
        name: expect.stringMatching(/^acme-2026-11-20-[0-9a-f]{8}$/),
        input: '{"rerun":{"tenantId":"acme","day":"2026-11-20"}}',
      },
    ],
  ]);
  expect(out).toContain("Started: the leads of 2026-11-20 of acme");
  expect(out).toContain("`npx offpeak leads show acme 2026-11-20`");
  expect(out).not.toContain("not over");
});

test("each run has an execution of its own; machines are told its ARN", async () => {
  const names = [];
  for (let number = 0; number < 2; number += 1) {
    expect(await fixture.json("leads", "run", "acme", "2026-11-19")).toEqual({
      started: true,
      tenantId: "acme",
      day: "2026-11-19",
      executionArn: expect.stringContaining(":execution:Test-LeadScoring:"),
    });
    const [, input] = fixture.stateCalls.at(-1) ?? [];
    names.push((input as { name: string }).name);
  }
  expect(new Set(names).size).toBe(2);
});

test("a run that is under way is not started a second time", async () => {
  const current = await aRun("2026-11-18", NOON - 10 * MINUTE);
  const { code, out, calls } = await run("acme", "2026-11-18");
  expect({ code, calls }).toEqual({ code: 1, calls: [] });
  expect(out).toContain("a run of 2026-11-18 of acme is under way since 2026-11-21 11:50:00");
  expect(out).toContain("after 2026-11-21 12:35:00");
  const json = await run("acme", "2026-11-18", "--json");
  expect(json).toMatchObject({ code: 1, error: "", calls: [] });
  expect(JSON.parse(json.out)).toEqual({ started: false, tenantId: "acme", day: "2026-11-18", run: current });
});

test("a run without a sign of life for long may be followed by another", async () => {
  await aRun("2026-11-17", NOON - 60 * MINUTE);
  expect(await run("acme", "2026-11-17")).toMatchObject({ code: 0, calls: [["StartExecution", {}]] });
});

test("days are those of the tenant's own calendar, and one that is not over is run with a warning", async () => {
  // At noon UTC it is the next day in Auckland already, and an hour past midnight in Pago Pago.
  const today = await run("acme", "2026-11-22");
  expect(today).toMatchObject({ code: 0, calls: [["StartExecution", {}]] });
  expect(today.out).toContain("The day is not over");
  expect((await run("acme", "2026-11-23")).error).toContain(
    "2026-11-23 is still to come for acme: it is 2026-11-22 in Pacific/Auckland",
  );
  expect((await run("far-west", "2026-11-22")).error).toContain("it is 2026-11-21 in Pacific/Pago_Pago");
});

test.each([
  ["a word", ["acme", "yesterday"], "the day is one like 2026-11-21, not yesterday"],
  ["a day that no calendar has", ["acme", "2026-02-29"], "not 2026-02-29"],
  ["a day whose records are forgotten", ["acme", "2026-08-24"], "2026-08-24 is too long ago"],
  ["a tenant that is not there", ["nobody", "2026-11-20"], "there is no tenant nobody"],
  ["a tenant without the workload", ["globex", "2026-11-20"], "set workloads.leadScoring in its entry"],
])("%s: refused in words, and nothing is started", async (_, args, problem) => {
  const { code, out, error, calls } = await run(...args);
  expect({ code, out, calls }).toEqual({ code: 2, out: "", calls: [] });
  expect(error).toContain(problem);
});

test("the oldest day that is still known can be run", async () => {
  expect(await run("acme", "2026-08-25")).toMatchObject({ code: 0, calls: [["StartExecution", {}]] });
});

test("outputs of a stack without lead scoring: said in words", async () => {
  const { Test: outputs } = JSON.parse(await readFile(fixture.outputsFile, "utf8"));
  const file = await fixture.file("none.json", { Test: { ...outputs, LeadScoringArn: undefined } });
  const printed = { out: "", error: "" };
  const code = await runOffpeak(["leads", "run", "acme", "2026-11-20", "--outputs", file], {
    out: (text) => void (printed.out += text),
    error: (text) => void (printed.error += text),
    now: () => NOON,
  });
  expect({ code, out: printed.out }).toEqual({ code: 2, out: "" });
  expect(printed.error).toContain("the outputs have no LeadScoringArn");
});

test("a day without leads says what to do if some came later", async () => {
  await aRun("2026-11-12", NOON - 600 * MINUTE);
  const during = await fixture.offpeak("leads", "show", "acme", "2026-11-12");
  expect(during.out).toContain("No lead was found so far.");
  await fixture
    .open()
    .workloadRecords()
    .decide(LEAD_RUN, leadKeys.run(ACME, "2026-11-12"), (run) => decideDone(run, "tick", NOON));
  const after = await fixture.offpeak("leads", "show", "acme", "2026-11-12");
  expect(after.out).toContain("`npx offpeak leads run acme 2026-11-12`");
});

test("a day that is none, or was not looked at, says what to write instead", async () => {
  expect((await fixture.offpeak("leads", "show", "acme", "yesterday")).error).toContain(
    "one like 2026-11-21",
  );
  const { error } = await fixture.offpeak("leads", "show", "acme", "2026-11-02");
  expect(error).toContain("`npx offpeak leads run acme 2026-11-02`");
});
