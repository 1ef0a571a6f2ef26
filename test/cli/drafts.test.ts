import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { draftsSend } from "../../cli/send-drafts.ts";
import type { Draft } from "../../lambdas/domain/lead-scoring/draft.ts";
import { DRAFT, leadKeys } from "../../lambdas/domain/lead-scoring/lead-records.ts";
import { ACME, NOON } from "../contracts/sample-records.ts";
import { type StackFixture, startStackFixture } from "./stack-fixture.ts";

const DAY = "2026-11-20";
const EMAIL = {
  version: 1,
  to: { name: "Ada", email: "ada@example.com" },
  subject: "Grüße",
  html: "<p>Hello &lt;b&gt;</p>",
  text: "Hello \u001B[31m<b>",
};

let fixture: StackFixture;
beforeAll(async () => {
  fixture = await startStackFixture();
  const leadScoring = { sender: { name: "Café Acme", email: "hello@acme.example" } };
  const file = await fixture.file("tenants.json", [
    { tenantId: "acme", workloads: { leadScoring } },
    { tenantId: "globex" },
  ]);
  await fixture.json("tenants", "put", file);
});
afterAll(() => fixture.stop());

/** A rendered draft of its own; returns its id. */
async function aDraft(leadId: string): Promise<string> {
  const stack = fixture.open();
  const emailKey = `workloads/lead-scoring/tenant=acme/${DAY}/emails/${leadId}.json`;
  await stack.objects.put(emailKey, JSON.stringify(EMAIL));
  const to = { ...EMAIL.to, company: null };
  const next: Draft = {
    version: 1,
    day: DAY,
    leadId,
    to,
    score: 88,
    state: "draft",
    at: NOON,
    subject: EMAIL.subject,
    emailKey,
  };
  await stack
    .workloadRecords()
    .decide(DRAFT, leadKeys.draft(ACME, DAY, leadId), () => ({ answer: null, next }));
  return `${DAY}/${leadId}`;
}

async function stateOf(id: string): Promise<unknown> {
  return fixture.json("drafts", "show", "acme", id);
}

test("a draft is listed, shown without control characters, and its HTML written", async () => {
  const id = await aDraft("shown");
  const listed = await fixture.offpeak("drafts", "list", "acme", "--day", DAY, "--state", "draft");
  expect(listed).toMatchObject({ code: 0, error: "" });
  expect(listed.out).toMatch(/2026-11-20\/shown +│ +88 │ Ada <ada@example.com> │ draft │ Grüße/);
  const html = await fixture.file("draft.html", "");
  const shown = await fixture.offpeak("drafts", "show", "acme", id, "--html", html);
  expect(shown.out).toContain("Hello �[31m<b>");
  expect(await readFile(html, "utf8")).toBe(EMAIL.html);
});

test("nothing is sent that was not approved", async () => {
  const id = await aDraft("unapproved");
  const sent = await fixture.offpeak("drafts", "send", "acme", id);
  expect(sent).toMatchObject({ code: 1 });
  expect(sent.out).toContain("only what is approved is sent");
  expect(fixture.mails).toEqual([]);
  expect(await stateOf(id)).toMatchObject({ state: "draft" });
});

test("an approved draft is sent once, with both parts, however often it is asked for", async () => {
  const id = await aDraft("sent");
  await fixture.json("drafts", "approve", "acme", id);
  await fixture.json("drafts", "approve", "acme", id);
  const stacks = [fixture.open(), fixture.open(), fixture.open()];
  await Promise.all(stacks.map((stack) => draftsSend(stack, "acme", [id], {}, () => NOON)));
  await fixture.offpeak("drafts", "send", "acme", id);
  await fixture.offpeak("drafts", "send", "acme", id, "--again");
  expect(fixture.mails).toHaveLength(1);
  const [mail = ""] = fixture.mails;
  expect(mail).toContain("To: ada@example.com");
  expect(mail).toMatch(/From: =\?UTF-8\?.*<hello@acme\.example>/);
  expect(mail).toContain("multipart/alternative");
  expect(mail).toContain("text/plain");
  expect(mail).toContain("text/html");
  expect(await stateOf(id)).toMatchObject({
    state: "sent",
    messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});

test("a draft whose sending nobody saw the end of is not sent again, unless an operator says so", async () => {
  const id = await aDraft("doubtful");
  await fixture.json("drafts", "approve", "acme", id);
  const before = fixture.mails.length;
  const stack = { ...fixture.open(), mailer: { send: () => Promise.reject(new Error("the line is cut")) } };
  expect(await draftsSend(stack, "acme", [id], {}, () => NOON)).toMatchObject({ failed: true });
  expect(await stateOf(id)).toMatchObject({ state: "sending" });
  const asked = await fixture.offpeak("drafts", "send", "acme", id);
  expect(asked.out).toContain("it may have been sent");
  expect((await fixture.offpeak("drafts", "discard", "acme", id)).code).toBe(2);
  expect(fixture.mails).toHaveLength(before);
  await fixture.json("drafts", "send", "acme", id, "--again");
  expect(fixture.mails).toHaveLength(before + 1);
});

test("what SES refuses stays approved, with its reason", async () => {
  const id = await aDraft("refused");
  await fixture.json("drafts", "approve", "acme", id);
  const refused = { kind: "refused", problem: "MessageRejected: not verified" } as const;
  const stack = { ...fixture.open(), mailer: { send: async () => refused } };
  await draftsSend(stack, "acme", [id], {}, () => NOON);
  expect(await stateOf(id)).toMatchObject({ state: "approved", problem: refused.problem });
  await fixture.json("drafts", "discard", "acme", id);
  expect(await stateOf(id)).toMatchObject({ state: "discarded" });
  expect((await fixture.offpeak("drafts", "approve", "acme", id)).error).toContain(
    "is discarded and cannot be approved",
  );
});

test("a tenant without a sender, a draft that is not there: said in words", async () => {
  expect((await fixture.offpeak("drafts", "send", "globex")).error).toContain("globex has no sender");
  expect((await fixture.offpeak("drafts", "show", "acme", "nothing")).error).toContain(
    "acme has no draft nothing",
  );
});

test("a tenants file whose template has unknown or unescaped fields is refused, with the field", async () => {
  const template = { html: "<p>{{lead.nmae}} {{{lead.name}}}</p>", text: "{{>footer}}" };
  const file = await fixture.file("bad.json", [
    { tenantId: "bad", workloads: { leadScoring: { template } } },
  ]);
  const { code, error } = await fixture.offpeak("tenants", "put", file);
  expect(code).toBe(2);
  expect(error).toContain("there is no field {{lead.nmae}}");
  expect(error).toContain("{{{lead.name}}} is not escaped: write {{lead.name}}");
  expect(error).toContain("{{>footer}}: there are no partials");
});
