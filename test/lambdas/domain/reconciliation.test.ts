import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { costOf } from "../../../lambdas/domain/cost.ts";
import { customIdOf, type TenantId } from "../../../lambdas/domain/ids.ts";
import {
  BatchExpectation,
  type ChargeKey,
  type ChargeSum,
  chargeDifferences,
  Charges,
} from "../../../lambdas/domain/reconciliation.ts";
import { NO_USAGE, type TokenUsage } from "../../../lambdas/domain/usage.ts";
import { aPlan, jobIdFor, NOON } from "../../contracts/sample-records.ts";
import { aManifestEntry } from "../support/sample-manifest.ts";

const { prices, batchId } = aPlan(1);
const BILL = { batchId, prices, providerBatchId: "batch_1", completedAt: NOON };

const TENANTS = ["acme", "globex", "initech"];
const AGENTS = ["front-desk", "night-desk"];

/** The requests of a batch: each has a tenant and an agent. */
const requestsArbitrary = fc.array(
  fc.record({ tenant: fc.constantFrom(...TENANTS), agent: fc.constantFrom(...AGENTS) }),
  { minLength: 1, maxLength: 12 },
);
/** What a provider may leave: answers and failures for any request, often several for one, and for nobody's (-1). */
const linesArbitrary = fc.array(
  fc.record({
    request: fc.integer({ min: -1, max: 11 }),
    kind: fc.constantFrom("answered", "failed", "unparseable"),
    inputTokens: fc.nat(5_000),
    outputTokens: fc.nat(500),
  }),
  { maxLength: 40 },
);
type Line = typeof linesArbitrary extends fc.Arbitrary<readonly (infer One)[]> ? One : never;

const idOf = (number: number) => customIdOf(jobIdFor(String(number)), 1);

function entryOf(request: { readonly tenant: string; readonly agent: string }, number: number) {
  return aManifestEntry(number, { tenantId: request.tenant as TenantId, agentId: request.agent });
}

const usageOf = ({ inputTokens, outputTokens }: Line): TokenUsage => ({
  ...NO_USAGE,
  inputTokens,
  outputTokens,
});

function feed(expected: BatchExpectation, lines: readonly Line[]): void {
  for (const line of lines) {
    const customId = idOf(line.request);
    if (line.kind === "unparseable") expected.line({ kind: "unparseable" });
    else if (line.kind === "failed") {
      expected.line({
        kind: "failed",
        customId,
        failure: { code: "x", message: "x", statusCode: 500, seen: "server-error" },
      });
    } else {
      const answer = { usage: usageOf(line), finish: "complete", response: {}, providerModel: null } as const;
      expected.line({ kind: "answered", customId, answer });
    }
  }
}

function expectationOf(
  requests: readonly { tenant: string; agent: string }[],
  lines: readonly Line[],
): BatchExpectation {
  const expected = new BatchExpectation(BILL);
  for (const [number, request] of requests.entries()) expected.request(entryOf(request, number));
  feed(expected, lines);
  return expected;
}

describe("what a batch must have cost", () => {
  test("is the first answer to each of its requests, and nothing else", () => {
    fc.assert(
      fc.property(requestsArbitrary, linesArbitrary, (requests, lines) => {
        const { charges, requests: all } = expectationOf(requests, lines);
        const firsts = requests.map((_, number) =>
          lines.find(({ request, kind }) => request === number && kind === "answered"),
        );
        expect([...all].map(({ answer }) => answer)).toEqual(
          firsts.map((line) => (line ? costOf(usageOf(line), prices.batch) : null)),
        );
        const total = firsts.reduce(
          (sum, line) => sum + (line ? costOf(usageOf(line), prices.batch) : 0n),
          0n,
        );
        expect(charges.cost).toBe(total);
      }),
    );
  });

  test("is the sum over tenants and tags: each is charged its own answers", () => {
    fc.assert(
      fc.property(requestsArbitrary, linesArbitrary, (requests, lines) => {
        const { charges } = expectationOf(requests, lines);
        for (const tenant of TENANTS) {
          for (const agent of AGENTS) {
            const own = charges.names.filter((name) => {
              const key = charges.key(name);
              return key?.tenantId === tenant && key.agentId === agent;
            });
            const answered = requests.filter(
              (request, number) =>
                request.tenant === tenant &&
                request.agent === agent &&
                lines.some((line) => line.request === number && line.kind === "answered"),
            );
            expect(own.length).toBeLessThanOrEqual(1);
            expect(own.reduce((sum, name) => sum + charges.sum(name).answers, 0)).toBe(answered.length);
          }
        }
      }),
    );
  });

  test("does not depend on lines that come after, or are repeated", () => {
    fc.assert(
      fc.property(requestsArbitrary, linesArbitrary, (requests, lines) => {
        const once = expectationOf(requests, lines).charges;
        const twice = expectationOf(requests, [...lines, ...lines]).charges;
        expect(chargeDifferences(once, twice)).toEqual([]);
      }),
    );
  });

  test("is filed under the day on which the provider ended the batch", () => {
    const { charges } = expectationOf([{ tenant: "acme", agent: "front-desk" }], []);
    expect(charges.names.map((name) => charges.key(name))).toMatchObject([
      { date: "2026-11-21", batchId, providerBatchId: "batch_1", lane: "batch", model: "gpt-5-nano" },
    ]);
  });

  test("counts a job for an answer that won it", () => {
    const expected = expectationOf(
      [
        { tenant: "acme", agent: "front-desk" },
        { tenant: "acme", agent: "front-desk" },
      ],
      [0, 1].map((request) => ({ request, kind: "answered", inputTokens: 1, outputTokens: 1 })),
    );
    const [first] = expected.requests;
    expected.won(first!);
    const { charges } = expected;
    expect(charges.names.map((name) => charges.sum(name))).toMatchObject([{ answers: 2, jobs: 1 }]);
  });
});

describe("differences", () => {
  const key: ChargeKey = {
    batchId,
    providerBatchId: "batch_1",
    date: "2026-11-21",
    tenantId: "acme" as TenantId,
    vertical: "healthcare",
    agentId: "front-desk",
    taskType: "post_call_summary",
    provider: "openai",
    model: "gpt-5-nano",
    lane: "batch",
  };
  const sumArbitrary: fc.Arbitrary<ChargeSum> = fc.record({
    answers: fc.nat(9),
    jobs: fc.nat(9),
    usage: fc.record({
      inputTokens: fc.nat(9),
      cachedInputTokens: fc.nat(9),
      cacheWrite5mTokens: fc.nat(9),
      cacheWrite1hTokens: fc.nat(9),
      outputTokens: fc.nat(9),
      reasoningTokens: fc.nat(9),
    }),
    cost: fc.bigInt({ min: 0n, max: 9n }),
    syncCost: fc.bigInt({ min: 0n, max: 9n }),
  });
  const chargesArbitrary = fc
    .array(fc.tuple(fc.constantFrom(...TENANTS), sumArbitrary), { maxLength: 6 })
    .map((sums) => {
      const charges = new Charges();
      for (const [tenant, sum] of sums) charges.add({ ...key, tenantId: tenant as TenantId }, sum);
      return charges;
    });

  test("there are none between a thing and itself, and the two sides mirror each other", () => {
    fc.assert(
      fc.property(chargesArbitrary, chargesArbitrary, (one, other) => {
        expect(chargeDifferences(one, one)).toEqual([]);
        const mirrored = chargeDifferences(other, one).map(({ key, expected, found }) => ({
          key,
          expected: found,
          found: expected,
        }));
        expect(chargeDifferences(one, other)).toEqual(mirrored);
      }),
    );
  });

  test.each<[string, Partial<ChargeSum>]>([
    ["answers", { answers: 1 }],
    ["jobs", { jobs: 1 }],
    ["cost", { cost: 1n }],
    ["syncCost", { syncCost: 1n }],
    ...Object.keys(NO_USAGE).map((field): [string, Partial<ChargeSum>] => [
      field,
      { usage: { ...NO_USAGE, [field]: 1 } },
    ]),
  ])("one more of %s is one", (_, more) => {
    const nothing = { answers: 0, jobs: 0, usage: NO_USAGE, cost: 0n, syncCost: 0n };
    const [one, other] = [new Charges(), new Charges()];
    one.add(key, nothing);
    other.add(key, { ...nothing, ...more });
    expect(chargeDifferences(one, other)).toHaveLength(1);
  });

  test.each<[string, Partial<ChargeKey>]>([
    ["tenant", { tenantId: "globex" as TenantId }],
    ["vertical", { vertical: "legal" }],
    ["agent", { agentId: "night-desk" }],
    ["task type", { taskType: "lead_scoring" }],
    ["provider", { provider: "anthropic" }],
    ["model", { model: "gpt-5" }],
    ["lane", { lane: "sync" }],
    ["day", { date: "2026-11-22" }],
    ["provider batch", { providerBatchId: null }],
  ])("the same amount under another %s is two", (_, other) => {
    const sum = { answers: 1, jobs: 1, usage: NO_USAGE, cost: 5n, syncCost: 5n };
    const [one, two] = [new Charges(), new Charges()];
    one.add(key, sum);
    two.add({ ...key, ...other }, sum);
    expect(chargeDifferences(one, two)).toHaveLength(2);
  });
});
