import type { Random } from "./random.ts";
import { HOUR } from "./simulation-clock.ts";
import type { Sending, SimulatedTenant } from "./workload-types.ts";

/** Messages that can never become a job. */
export function drawMistake(
  random: Random,
  number: number,
  tenants: readonly SimulatedTenant[],
  at: number,
): Sending {
  const [first] = tenants;
  const { tenant, sender } = random.pick(tenants.slice(1));
  const { tenantId } = tenant.policy;
  const valid = {
    version: 1,
    tenantId,
    idempotencyKey: `mistake-${number}`,
    taskType: "post_call_summary",
    vertical: "salon",
    agentId: "a",
    request: { provider: "openai", endpoint: "/v1/responses", body: { model: "gpt-5-nano", input: "x" } },
  };
  const rejected = (fields: object) => ({ fields, expect: "rejected" as const });
  const kept = (fields: object | string) => ({ fields, expect: "kept" as const });
  const mistakes = [
    kept("this is no JSON"),
    kept({ ...valid, tenantId: "nobody-knows" }),
    kept({ ...valid, tenantId: first?.tenant.policy.tenantId }),
    kept({
      version: 1,
      kind: "job",
      reason: { code: "x", message: "x" },
      at: "2026-11-21T00:00:00Z",
      tenantId,
      jobId: "a".repeat(26),
      attempts: 1,
      source: { key: "segments/lines/x", line: 0, offset: 0, length: 1 },
    }),
    rejected({ ...valid, tier: "whenever" }),
    rejected({ ...valid, request: { ...valid.request, body: { model: "gpt-nobody-sells", input: "x" } } }),
    rejected({ ...valid, request: { s3Key: `uploads/tenant=${tenantId}/missing.json` } }),
    rejected({ ...valid, request: { s3Key: `uploads/tenant=${tenantId}-other/stolen.json` } }),
    rejected({
      ...valid,
      request: { ...valid.request, body: { ...valid.request.body, previous_response_id: "resp_1" } },
    }),
    rejected({ version: 1, tenantId, cancel: { idempotencyKey: "never-sent" } }),
  ] as const;
  const { fields, expect } = mistakes[number] ?? mistakes[0];
  const body = typeof fields === "string" ? fields : JSON.stringify(fields);
  const queue = random.pick(["critical", "high", "normal", "low"] as const);
  return { at: at + random.next() * HOUR, queue, senderId: sender, body, upload: null, expect, jobId: null };
}
