import { runSimulation } from "@cloud-copilot/iam-simulate";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePermissions } from "../../../local/aws/permissions.ts";
import type { Access } from "../../../local/aws/permissions.ts";
import type { PolicyDocument } from "../../../local/aws/policy-document.ts";
import { arnWildcard, wildcard } from "../../../local/aws/wildcard.ts";

const TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/";

function policy(condition: Record<string, Record<string, string | string[]>>): PolicyDocument {
  return {
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Action: "*", Resource: "*", Condition: condition },
  };
}

describe("wildcards", () => {
  it.each([
    ["s3:Get*", "s3:getobject", true],
    ["s3:Get?bject", "s3:GetObject", true],
    ["s3:Get", "s3:GetObject", false],
    ["a.c", "abc", false],
    ["(x)+[y]|$^\\*", "(x)+[y]|$^\\anything\nat all", true],
  ])("%s on %s: %s", (pattern, text, expected) => {
    expect(wildcard(pattern, { ignoreCase: true })(text)).toBe(expected);
  });

  it.each([
    ["*", "arn:aws:s3:::b/k", true],
    ["arn:aws:s3:::b/*", "arn:aws:s3:::b/tenant=acme/k:1", true],
    ["arn:aws:s3:::b/*", "arn:aws:s3:::b", false],
    ["arn:aws:sqs:*:jobs", "arn:aws:sqs:us-east-1:000000000000:jobs", false],
    ["arn:aws:sqs:*:*:jobs", "arn:aws:sqs:us-east-1:000000000000:jobs", true],
    [`${TABLE}x`, "*", false],
  ])("%s on %s: %s", (pattern, arn, expected) => {
    expect(arnWildcard(pattern)(arn)).toBe(expected);
  });
});

describe("what it cannot judge is refused, not skipped", () => {
  it.each<[string, unknown]>([
    [
      "NotAction",
      { Version: "2012-10-17", Statement: [{ Effect: "Allow", NotAction: "s3:*", Resource: "*" }] },
    ],
    [
      "an unresolved intrinsic",
      { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: { Ref: "B" } }] },
    ],
    ["an unknown operator", policy({ NumericLessThan: { "s3:prefix": "10" } })],
    ["an unknown key", policy({ StringEquals: { "aws:PrincipalTag/team": "a" } })],
    ["a policy variable", policy({ StringEquals: { "s3:prefix": "${aws:username}/" } })],
    ["a single-valued test of a multi-valued key", policy({ StringEquals: { "dynamodb:LeadingKeys": "a" } })],
    [
      "a multi-valued test of a single-valued key",
      policy({ "ForAllValues:StringEquals": { "s3:prefix": "a" } }),
    ],
  ])("%s", (_name, document) => {
    expect(() => compilePermissions([document as PolicyDocument])).toThrow();
  });
});

const ACTIONS = ["dynamodb:GetItem", "dynamodb:PutItem", "s3:GetObject", "s3:ListBucket"] as const;
const ACTION_PATTERNS = [
  ...ACTIONS,
  "dynamodb:*",
  "s3:Get*",
  "s3:L*t",
  "*",
  "dynamodb:?utItem",
  "S3:listbucket",
];
const RESOURCES = {
  "dynamodb:GetItem": [`${TABLE}ledger`, `${TABLE}jobs`],
  "dynamodb:PutItem": [`${TABLE}ledger`, `${TABLE}jobs`],
  "s3:GetObject": ["arn:aws:s3:::gateway/inbox/tenant=acme/1", "arn:aws:s3:::gateway/segments/1"],
  "s3:ListBucket": ["arn:aws:s3:::gateway", "arn:aws:s3:::other"],
} as const;
const RESOURCE_PATTERNS = [
  "*",
  `${TABLE}*`,
  `${TABLE}ledger`,
  `arn:aws:dynamodb:us-*-1:*:table/j?bs`,
  "arn:aws:s3:::gateway",
  "arn:aws:s3:::gateway/*",
  "arn:aws:s3:::gateway/inbox/tenant=acme/*",
  "arn:aws:s3:::*",
];
const LEADING_KEYS = ["TENANT#acme", "TENANT#globex", "OPEN#main"];
const PREFIXES = ["", "inbox/", "inbox/tenant=acme/"];

const conditionArbitrary = fc.oneof(
  fc.record({
    operator: fc.constantFrom(
      "ForAllValues:StringEquals",
      "ForAllValues:StringLike",
      "ForAnyValue:StringLike",
      "Null",
    ),
    key: fc.constant("dynamodb:LeadingKeys"),
  }),
  fc.record({
    operator: fc.constantFrom(
      "StringEquals",
      "StringLike",
      "StringLikeIfExists",
      "StringEqualsIfExists",
      "Null",
    ),
    key: fc.constant("s3:prefix"),
  }),
  fc.record({ operator: fc.constantFrom("Bool", "Null"), key: fc.constant("aws:SecureTransport") }),
);
const valuesOf = (operator: string, key: string): fc.Arbitrary<string[]> => {
  if (operator === "Null" || operator === "Bool") return fc.constantFrom(["true"], ["false"]);
  const patterns =
    key === "s3:prefix" ? [...PREFIXES, "inbox/*"] : [...LEADING_KEYS, "TENANT#*", "OPEN#????"];
  return fc.uniqueArray(fc.constantFrom(...patterns), { minLength: 1, maxLength: 2 });
};
const statementArbitrary = fc.record({
  Effect: fc.constantFrom("Allow" as const, "Allow" as const, "Deny" as const),
  Action: fc.uniqueArray(fc.constantFrom(...ACTION_PATTERNS), { minLength: 1, maxLength: 2 }),
  Resource: fc.uniqueArray(fc.constantFrom(...RESOURCE_PATTERNS), { minLength: 1, maxLength: 2 }),
  Condition: fc
    .array(
      conditionArbitrary.chain(({ operator, key }) =>
        valuesOf(operator, key).map((values) => [operator, { [key]: values }] as const),
      ),
      { maxLength: 2 },
    )
    .map((entries) => Object.fromEntries(entries)),
});
const accessArbitrary: fc.Arbitrary<Access> = fc.constantFrom(...ACTIONS).chain((action) =>
  fc.record({
    action: fc.constant(action),
    resource: fc.constantFrom(...RESOURCES[action]),
    context: contextOf(action),
  }),
);

function contextOf(action: (typeof ACTIONS)[number]): fc.Arbitrary<Access["context"]> {
  const transport = { "aws:SecureTransport": ["true"] };
  if (action.startsWith("dynamodb:"))
    return fc
      .uniqueArray(fc.constantFrom(...LEADING_KEYS), { minLength: 1 })
      .map((keys) => ({ ...transport, "dynamodb:LeadingKeys": keys }));
  if (action === "s3:GetObject") return fc.constant(transport);
  return fc
    .option(fc.constantFrom(...PREFIXES))
    .map((prefix) => (prefix === null ? transport : { ...transport, "s3:prefix": [prefix] }));
}

describe("decisions", () => {
  it("agree with an independent simulator", { timeout: 120_000 }, async () => {
    const outcomes = { allowed: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(statementArbitrary, { minLength: 1, maxLength: 3 }),
        accessArbitrary,
        async (Statement, access) => {
          const document = { Version: "2012-10-17" as const, Statement };
          const ours = compilePermissions([document]).decide(access) === "allowed";
          outcomes[ours ? "allowed" : "refused"] += 1;
          expect(ours).toBe(await isAllowedBySimulator(document, access));
        },
      ),
      { numRuns: 600 },
    );
    // Both outcomes must really occur, or agreement means little.
    expect(Math.min(outcomes.allowed, outcomes.refused)).toBeGreaterThan(50);
  });

  it("holds ForAllValues true without the key, and Null guards against it", () => {
    const open = compilePermissions([
      policy({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": "TENANT#*" } }),
    ]);
    const guarded = compilePermissions([
      policy({
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": "TENANT#*" },
        Null: { "dynamodb:LeadingKeys": "false" },
      }),
    ]);
    const scan = { action: "dynamodb:Scan", resource: `${TABLE}ledger`, context: {} };
    expect(open.decide(scan)).toBe("allowed");
    expect(guarded.decide(scan)).toBe("not-allowed");
  });
});

async function isAllowedBySimulator(document: unknown, access: Access): Promise<boolean> {
  const result = await runSimulation(
    {
      request: {
        principal: "arn:aws:iam::000000000000:role/any",
        action: access.action,
        resource: { resource: access.resource, accountId: "000000000000" },
        contextVariables: Object.fromEntries(
          Object.entries(access.context).map(([key, values]) => [
            key,
            key === "dynamodb:LeadingKeys" ? [...values] : (values[0] ?? ""),
          ]),
        ),
      },
      identityPolicies: [{ name: "policy", policy: document }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  if (result.resultType === "error") throw new Error(JSON.stringify(result.errors));
  return result.overallResult === "Allowed";
}
