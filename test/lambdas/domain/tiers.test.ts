import { describe, expect, test } from "vitest";
import { tenantPolicySchema } from "../../../lambdas/domain/tenant-policy.ts";
import { firstLane, tierOf } from "../../../lambdas/domain/tiers.ts";
import { TIERS } from "../../../lambdas/domain/vocabulary.ts";

const POLICY = tenantPolicySchema.parse({ tenantId: "acme" });
const OWN = tenantPolicySchema.parse({ tenantId: "acme", tiers: { kb_embedding: "normal", mine: "high" } });

/** The design's table, written apart from the code's own. */
const TABLE = {
  critical: ["live_chat_response", "voice_agent_reply", "safety_check"],
  high: ["email_draft", "ticket_classification", "escalation_decision"],
  normal: ["meeting_summary", "document_analysis", "lead_scoring", "post_call_summary"],
  low: [
    "content_generation",
    "bulk_classification",
    "data_enrichment",
    "report_generation",
    "follow_up_draft",
    "kb_embedding",
  ],
} as const;

describe("the tier of a job", () => {
  test.each(TIERS.flatMap((tier) => TABLE[tier].map((type) => [type, tier] as const)))(
    "%s is %s when nobody says otherwise",
    (type, tier) => {
      expect(tierOf(type, undefined, POLICY)).toEqual({ tier, reason: `the default for ${type}` });
    },
  );

  test("of an unknown type is normal, and says so; also of one that every object has", () => {
    for (const type of ["made_up", "constructor", "__proto__"])
      expect(tierOf(type, undefined, OWN)).toEqual({
        tier: "normal",
        reason: `${type} is an unknown task type`,
      });
  });

  test("is the policy's before the table's, and the message's before both", () => {
    expect(tierOf("kb_embedding", undefined, OWN)).toEqual({
      tier: "normal",
      reason: "the tenant's policy says so for kb_embedding",
    });
    expect(tierOf("mine", undefined, OWN).tier).toBe("high");
    expect(tierOf("kb_embedding", "critical", OWN)).toEqual({
      tier: "critical",
      reason: "the message says so",
    });
  });
});

describe("the first lane", () => {
  const GUARDED = ["content_moderation", "fraud_detection", "live_chat_response", "voice_agent_reply"];
  test.each([...GUARDED, "escalation_decision", "escalation_routing"])(
    "of %s is never batch, whatever the tier, unless the policy names it",
    (type) => {
      const allowed = tenantPolicySchema.parse({ tenantId: "acme", batchAllowed: [type] });
      for (const tier of TIERS) expect(firstLane(type, tier, POLICY).lane).toBe("sync");
      for (const tier of ["normal", "low"] as const)
        expect(firstLane(type, tier, allowed).lane).toBe("batch");
      expect(firstLane(type, "high", allowed).lane).toBe("sync");
    },
  );
});
