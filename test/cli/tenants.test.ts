import { GetQueueAttributesCommand, ListQueuesCommand } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import { NOON } from "../contracts/sample-records.ts";
import { startStackFixture, type StackFixture } from "./stack-fixture.ts";

let fixture: StackFixture;

beforeEach(async () => {
  fixture = await startStackFixture();
});
afterEach(async () => await fixture.stop());

const stored = async (tenantId: string) => await fixture.open().tenants.get(tenantId as TenantId);

describe("tenants put", () => {
  test("gives a new tenant defaults, a salt and a queue of its own: TLS only, kept 14 days", async () => {
    const file = await fixture.file("tenants.json", [{ tenantId: "acme", delivery: { type: "sqs" } }]);
    expect(await fixture.json("tenants", "put", file)).toMatchObject([{ change: "created", revision: 1 }]);
    const tenant = await stored("acme");
    expect(tenant?.policy).toMatchObject({ isolation: "shared", senders: [], tiers: {}, batchAllowed: [] });
    expect(tenant?.salt).toMatch(/^[0-9a-f]{64}$/);
    const queueUrl = tenant?.policy.delivery.queueUrl;
    expect(queueUrl).toMatch(/\/Test-results-acme$/);
    const { Attributes } = await fixture.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["All"] }),
    );
    expect(Attributes).toMatchObject({ MessageRetentionPeriod: "1209600" });
    expect(JSON.parse(Attributes?.Policy ?? "")).toMatchObject({
      Statement: [
        {
          Effect: "Deny",
          Principal: { AWS: "*" },
          Resource: Attributes?.QueueArn,
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    });
  });

  test("the same file again changes nothing", async () => {
    const file = await fixture.file("tenants.json", [{ tenantId: "acme" }]);
    await fixture.json("tenants", "put", file);
    const before = await stored("acme");
    expect(await fixture.json("tenants", "put", file)).toMatchObject([{ change: "unchanged", revision: 1 }]);
    expect(await stored("acme")).toEqual(before);
  });

  test("a changed policy is the next revision, under the old salt", async () => {
    await fixture.json("tenants", "put", await fixture.file("a.json", [{ tenantId: "acme" }]));
    const before = await stored("acme");
    const file = await fixture.file("b.json", [{ tenantId: "acme", isolation: "dedicated" }]);
    expect(await fixture.json("tenants", "put", file)).toMatchObject([{ change: "updated", revision: 2 }]);
    const shown = await fixture.json("tenants", "show", "acme");
    expect(shown).toMatchObject({
      revision: 2,
      policy: { isolation: "dedicated", delivery: before?.policy.delivery },
    });
    expect((await stored("acme"))?.salt).toBe(before?.salt);
  });

  test("a tenant with a queue of its own choice gets no other", async () => {
    const queueUrl = "https://sqs.eu-west-1.amazonaws.com/123456789012/theirs";
    const file = await fixture.file("tenants.json", [
      { tenantId: "acme", delivery: { type: "sqs", queueUrl } },
    ]);
    await fixture.json("tenants", "put", file);
    expect((await stored("acme"))?.policy.delivery.queueUrl).toBe(queueUrl);
    const { QueueUrls: urls = [] } = await fixture.sqs.send(
      new ListQueuesCommand({ QueueNamePrefix: "Test-results" }),
    );
    expect(urls).toEqual([]);
  });

  test.each([
    ["is not JSON", "[{", "is not JSON"],
    ["has a wrong id", [{ tenantId: "Acme" }], "tenant id"],
    ["has an unknown field", [{ tenantId: "acme", colour: "red" }], "colour"],
    [
      "gives an alias a model's name",
      [{ tenantId: "acme", routes: { "gpt-5": { default: "gpt-5-nano" } } }],
      "is the name of a model",
    ],
    ["lists a tenant twice", [{ tenantId: "acme" }, { tenantId: "acme" }], "listed twice"],
  ])("a file that %s is refused as a whole", async (_, content, problem) => {
    const file = await fixture.file("tenants.json", content);
    const { code, out, error } = await fixture.offpeak("tenants", "put", file);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(error).toContain(problem);
    expect(await stored("acme")).toBeUndefined();
  });
});

describe("showing tenants", () => {
  test("lists them in order, and never their salts", async () => {
    const file = await fixture.file("tenants.json", [{ tenantId: "globex" }, { tenantId: "acme" }]);
    await fixture.json("tenants", "put", file);
    const list = await fixture.json("tenants", "list");
    expect(list).toMatchObject([{ policy: { tenantId: "acme" } }, { policy: { tenantId: "globex" } }]);
    const salt = (await stored("acme"))?.salt ?? "";
    for (const args of [
      ["list"],
      ["show", "acme"],
      ["list", "--json"],
      ["show", "acme", "--json"],
      ["put", file],
    ]) {
      const { code, out } = await fixture.offpeak("tenants", ...args);
      expect(code).toBe(0);
      expect(out).toContain("Test-results-acme");
      expect(out).not.toContain(salt);
    }
  });

  test("says what is used of a budget today, for a tenant that has one", async () => {
    const limits = { dailyBudgetMicroUsd: 1000 };
    const file = await fixture.file("tenants.json", [{ tenantId: "acme", limits }, { tenantId: "globex" }]);
    await fixture.json("tenants", "put", file);
    const tenantId = "acme" as TenantId;
    const { budgets } = fixture.open();
    const one = { chunk: "s1", amounts: [850_000_000n], budget: 1_000_000_000n, at: NOON };
    await budgets.reserve(tenantId, "2026-11-21", one);
    await budgets.settle(tenantId, "2026-11-21", "s1", { left: 600_000_000n, spent: 250_000_000n });
    expect((await fixture.offpeak("tenants", "show", "acme")).out).toContain(
      "85.0% of $0.001000 used: $0.000250 spent, $0.000600 reserved (2026-11-21, UTC); little is left",
    );
    expect(await fixture.json("tenants", "show", "acme")).toMatchObject({
      budget: { share: 0.85, spentPicoUsd: "250000000", reservedPicoUsd: "600000000" },
    });
    expect(await fixture.json("tenants", "show", "globex")).not.toHaveProperty("budget");
  });

  test("an unknown tenant, or what is no id, says where to look", async () => {
    for (const name of ["nobody", "No Id"]) {
      const { code, error } = await fixture.offpeak("tenants", "show", name);
      expect(code).toBe(2);
      expect(error).toContain("offpeak tenants list");
    }
    expect((await fixture.offpeak("tenants", "list")).out).toContain("no tenants yet");
  });
});
