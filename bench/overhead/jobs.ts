import type { JobInput } from "../../client/submit-jobs.ts";
import { REQUESTS } from "../../local/demo/requests.ts";

/** All of them send both kinds of jobs, so that the critical ones share tenants' records and queues with the others. */
export const TENANT_IDS = ["glow-salon", "north-clinic", "harbor-inn", "wheelhouse"] as const;

const CONVERSATION = [
  "customer: Hello, I booked for Thursday at four and need to move it, if there is anything left this week.",
  "agent: Of course. I can offer Friday at nine, Friday at half past two, or Saturday at eleven.",
  "customer: Friday afternoon then. And could you tell me what I have to bring along the first time?",
  "agent: Only the confirmation you were sent, and ten minutes for the form. The rest is in your file.",
].join("\n");

/** A job that somebody waits for: its task type alone makes it critical. */
export function criticalJob(key: string, number: number): JobInput {
  return {
    ...tagsOf(key, number),
    taskType: "live_chat_response",
    request: {
      provider: "openai",
      endpoint: "/v1/chat/completions",
      body: {
        model: "gpt-4.1-nano",
        messages: [
          { role: "system", content: "Write the agent's next reply, in one sentence." },
          { role: "user", content: `${CONVERSATION}\ncustomer: Thank you. (${key})` },
        ],
        max_completion_tokens: 60,
      },
    },
  };
}

/** A job that waits for a batch. */
export function lowJob(key: string, number: number): JobInput {
  return {
    ...tagsOf(key, number),
    taskType: "bulk_classification",
    request: REQUESTS.classification(`${CONVERSATION}\n(${key})`),
  };
}

function tagsOf(idempotencyKey: string, number: number) {
  const tenantId = TENANT_IDS[number % TENANT_IDS.length] ?? TENANT_IDS[0];
  return { tenantId, idempotencyKey, vertical: "bench", agentId: "front-desk" };
}
