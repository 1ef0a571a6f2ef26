import { describe, expect, test } from "vitest";
import type { TenantId } from "../../../lambdas/domain/ids.ts";
import { addDays, localMoment } from "../../../lambdas/domain/lead-scoring/local-time.ts";
import { type CrashTime, type FunctionName, LeadWorld, scoreOf, taskOf } from "./lead-world.ts";

const ZONES = {
  west: "America/Los_Angeles",
  east: "America/New_York",
  berlin: "Europe/Berlin",
  kolkata: "Asia/Kolkata",
  auckland: "Pacific/Auckland",
};
const HOUR = 3_600_000;

function daysFrom(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, number) => addDays(first, number));
}

/** Ids are a tenant's own for all days, so that each tells its day. */
function idsOf(day: string): string[] {
  return [90, 75, 70, 69, 10].map((score) => `${day}-${score}`);
}

async function scoredOnce(world: LeadWorld, tenantId: TenantId, day: string): Promise<void> {
  const ids = idsOf(day);
  const leads = await world.leads(tenantId, day);
  expect(leads.map(({ leadId, state }) => [leadId, state])).toEqual(
    ids.toSorted().map((id) => [id, "scored"]),
  );
  const drafts = (await world.drafts(tenantId)).filter((draft) => draft.day === day);
  expect(drafts.map(({ leadId, state }) => [leadId, state])).toEqual(
    ids
      .filter((id) => scoreOf(id) >= 70)
      .toSorted()
      .map((id) => [id, "draft"]),
  );
}

/** Of each tenant and key one body was ever sent: whatever was repeated runs once. */
function noJobTwice(world: LeadWorld): void {
  expect([...world.jobs].filter(([, bodies]) => bodies.size !== 1)).toEqual([]);
}

describe.each([
  ["when summer time begins in America", "2026-03-05T12:00:00Z"],
  ["when it ends in Europe, and a week later in America", "2026-10-23T12:00:00Z"],
])("five tenants in five time zones, %s", (_title, start) => {
  test("each lead is scored once, at the tenant's own hour, and drafted at most once; an empty day costs nothing", async () => {
    const world = new LeadWorld(start);
    const count = 11;
    const first = addDays(start.slice(0, 10), -3);
    const empty = addDays(first, 6);
    const tenants = await Promise.all(
      Object.entries(ZONES).map(async ([name, timeZone]) => ({
        tenantId: await world.putTenant(name, { timeZone, hour: 2 }),
        timeZone,
      })),
    );
    for (const { tenantId } of tenants)
      for (const day of daysFrom(first, count + 3))
        if (day !== empty) await world.dropLeads(tenantId, day, idsOf(day));
    await world.passHours(count * 24);

    for (const { tenantId, timeZone } of tenants) {
      const runs = await world.runs(tenantId);
      expect(runs.length).toBeGreaterThanOrEqual(count);
      expect(runs.map(({ day }) => day)).toEqual(daysFrom(runs[0]?.day ?? "", runs.length));
      for (const { day, startedAt, leads, state } of runs.slice(1, -1)) {
        expect(state).toBe("done");
        expect(leads).toBe(day === empty ? 0 : 5);
        const before = localMoment(startedAt - HOUR / 4, timeZone);
        const begun = localMoment(startedAt, timeZone);
        expect(begun.day).toBe(addDays(day, 1));
        // A skipped hour 2 is over at 3; a quarter of an hour before, the clocks had not come there.
        expect(begun.hour === 2 || begun.hour === 3).toBe(true);
        expect(before.hour).toBeLessThan(2);
        if (day !== empty) await scoredOnce(world, tenantId, day);
      }
      const older = addDays(runs[0]?.day ?? "", -1);
      expect(await world.leads(tenantId, older)).toEqual([]);
      expect([...world.jobs.keys()].filter((key) => key.includes(empty) && key.startsWith(tenantId))).toEqual(
        [],
      );
    }
    noJobTwice(world);
  });
});

/** Ten minutes before the hour, so that the first look finds the day due. */
const START = "2026-06-01T01:50:00Z";
const DAY = "2026-05-31";

async function oneTenant(policy: object = {}) {
  const world = new LeadWorld(START);
  const tenantId = await world.putTenant("acme", { hour: 2, ...policy });
  await world.dropLeads(tenantId, DAY, idsOf(DAY));
  return { world, tenantId };
}

test("days whose schedules were missed are caught up, once each", async () => {
  const { world, tenantId } = await oneTenant();
  await world.passHours(12);
  const jobs = world.jobs.size;
  const days = daysFrom(addDays(DAY, 1), 3);
  for (const day of days) await world.dropLeads(tenantId, day, idsOf(day));
  world.fires = () => false;
  await world.passHours(72);
  expect(world.jobs.size).toBe(jobs);
  world.fires = () => true;
  await world.passHours(12);
  for (const day of days) await scoredOnce(world, tenantId, day);
  expect(await world.runs(tenantId)).toMatchObject([DAY, ...days].map((day) => ({ day, state: "done" })));
  noJobTwice(world);
  expect(world.jobs.size).toBe(jobs + days.length * (5 + 3));
});

const FUNCTIONS: readonly FunctionName[] = [
  "FindLeadRuns",
  "ScoreLeads",
  "CheckLeads",
  "DraftLeads",
  "RenderDrafts",
];
const TIMES: readonly CrashTime[] = ["before", "half-way", "after"];

test.each(FUNCTIONS.flatMap((name) => TIMES.map((when) => [name, when] as const)))(
  "an execution that dies in %s, %s its work, is followed by one that finishes the day",
  async (name, when) => {
    const { world, tenantId } = await oneTenant();
    world.crashAt(name, when);
    await world.passHours(12);
    expect(world.crashed).toBe(true);
    await scoredOnce(world, tenantId, DAY);
    expect(await world.runs(tenantId)).toMatchObject([{ day: DAY, state: "done" }]);
    noJobTwice(world);
  },
);

test("a day that is run again does nothing twice, and takes up what was dropped since", async () => {
  const { world, tenantId } = await oneTenant();
  await world.passHours(12);
  const before = { jobs: world.jobs.size, drafts: await world.drafts(tenantId) };
  world.start({ rerun: { tenantId, day: DAY } });
  await world.passHours(6);
  expect({ jobs: world.jobs.size, drafts: await world.drafts(tenantId) }).toEqual(before);
  await world.dropLeads(tenantId, DAY, [...idsOf(DAY), "late-99"]);
  world.start({ rerun: { tenantId, day: DAY } });
  await world.passHours(6);
  expect(world.jobs.size).toBe(before.jobs + 2);
  expect(await world.drafts(tenantId)).toHaveLength(before.drafts.length + 1);
  noJobTwice(world);
});

test("a run goes on with the scores that are there when its time is over; late ones are kept", async () => {
  const { world, tenantId } = await oneTenant({ hoursForScores: 2 });
  world.answersAfter = (job) => (taskOf(job).leadId.endsWith("-75") ? 5 * HOUR : HOUR / 2);
  await world.passHours(12);
  expect(await world.runs(tenantId)).toMatchObject([{ state: "done" }]);
  expect(await world.leads(tenantId, DAY)).toMatchObject(idsOf(DAY).map(() => ({ state: "scored" })));
  const drafts = await world.drafts(tenantId);
  expect(drafts.map(({ leadId }) => scoreOf(leadId)).toSorted()).toEqual([70, 90]);
});

test("a run ends without answers, too", async () => {
  const { world, tenantId } = await oneTenant({ hoursForScores: 1, hoursForDrafts: 1 });
  world.answersAfter = () => undefined;
  await world.passHours(12);
  expect(await world.runs(tenantId)).toMatchObject([{ state: "done", leads: 5 }]);
  expect(await world.drafts(tenantId)).toEqual([]);
});

test("a tenant whose run cannot go on holds up no other", async () => {
  const { world, tenantId } = await oneTenant();
  const other = await world.putTenant("globex", { hour: 2 });
  await world.dropLeads(other, DAY, idsOf(DAY));
  const get = world.objects.get.bind(world.objects);
  world.objects.get = (key) =>
    key.includes("tenant=globex/") ? Promise.reject(new Error("no such thing")) : get(key);
  await world.passHours(12);
  await scoredOnce(world, tenantId, DAY);
  expect(await world.runs(other)).toMatchObject([{ state: "running" }]);
});

test("markup in a name is escaped in the e-mail; leads that cannot be read are named, and the others go on", async () => {
  const { world, tenantId } = await oneTenant({
    template: {
      html: "<p>{{lead.name}}</p>{{#paragraphs}}<p>{{.}}</p>{{/paragraphs}}",
      text: "{{lead.name}}",
    },
  });
  const hostile = { id: "x-99", name: '<script>alert("1")</script>', email: "x@example.com" };
  await world.dropLeads(tenantId, DAY, idsOf(DAY), [
    JSON.stringify(hostile),
    "{ not JSON",
    JSON.stringify({ id: "no-mail", name: "N", email: "secret words" }),
  ]);
  await world.objects.put(`inbox/tenant=acme/leads/${DAY}/notes.txt`, "hello");
  world.answer = (job) =>
    taskOf(job).step === "score"
      ? { score: 99, reason: "r" }
      : { subject: "A\r\nBcc: x", paragraphs: ["<img src=x>"] };
  await world.passHours(12);
  const draft = (await world.drafts(tenantId)).find(({ leadId }) => leadId === "x-99");
  if (draft?.state !== "draft") throw new Error(`the draft is ${draft?.state}`);
  expect(draft.subject).toBe("A Bcc: x");
  const email = Buffer.from((await world.objects.get(draft.emailKey)) ?? []).toString();
  expect(JSON.parse(email)).toMatchObject({
    html: "<p>&lt;script&gt;alert(&quot;1&quot;)&lt;&#x2F;script&gt;</p><p>&lt;img src&#x3D;x&gt;</p>",
    text: '<script>alert("1")</script>',
  });
  const [run] = await world.runs(tenantId);
  expect(run).toMatchObject({ state: "done", leads: 6, refused: 3 });
  expect(run?.problems).toEqual([
    { file: "leads.jsonl", line: 7, problem: "is not JSON" },
    { file: "leads.jsonl", line: 8, problem: expect.stringMatching(/^email: /) },
    { file: "notes.txt", line: null, problem: "is neither .json nor .jsonl" },
  ]);
  expect(JSON.stringify(run)).not.toContain("secret");
});

test("a template with fields that nobody has fails its own tenant's drafts, with words; a corrected one renders them", async () => {
  const { world, tenantId } = await oneTenant({ template: { html: "{{lead.nmae}}", text: "{{lead.name}}" } });
  const other = await world.putTenant("globex", { hour: 2 });
  await world.dropLeads(other, DAY, idsOf(DAY));
  await world.passHours(12);
  await scoredOnce(world, other, DAY);
  const drafts = await world.drafts(tenantId);
  expect(drafts).toHaveLength(3);
  for (const draft of drafts)
    expect(draft).toMatchObject({
      state: "unrendered",
      problem: expect.stringContaining("no field {{lead.nmae}}"),
    });
  await world.putTenant("acme", { hour: 2 });
  world.start({ rerun: { tenantId, day: DAY } });
  await world.passHours(2);
  await scoredOnce(world, tenantId, DAY);
});

test("an answer that is no score leaves its lead without one, and no draft", async () => {
  const { world, tenantId } = await oneTenant();
  world.answer = (job) => (taskOf(job).leadId.endsWith("-90") ? { score: 900 } : { score: 80, reason: "r" });
  await world.passHours(3.5);
  const lead = (await world.leads(tenantId, DAY)).find(({ leadId }) => leadId.endsWith("-90"));
  expect(lead).toMatchObject({ state: "unscored", code: "unusable_answer" });
  expect((await world.drafts(tenantId)).map(({ leadId }) => scoreOf(leadId))).not.toContain(90);
});
