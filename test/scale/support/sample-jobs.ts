import { z } from "zod";
import type { IncomingMessage } from "../../../lambdas/admit-jobs/open-message.ts";
import { createRandom, type Random } from "../../../local/provider-simulator/seeded-random.ts";

const WORK = [
  { taskType: "post_call_summary", queue: "normal" },
  { taskType: "lead_scoring", queue: "normal" },
  { taskType: "bulk_classification", queue: "low" },
] as const;
const VERTICALS = ["salon", "clinic", "law-firm"];
const AGENTS = ["front-desk", "after-hours"];

const WORDS =
  'the caller asked whether Tuesday or Wednesday afternoon was free for Zoë, and the assistant — after looking — offered half past three; \u2028 they agreed on a price of 45 €, „no later than six“, and a reminder by text "the day before". '.repeat(
    40,
  );

/** Some text of about this many characters that begins at a random place. */
export function textOf(characters: number, random: Random): string {
  const start = Math.floor(random() * (WORDS.length - characters));
  return WORDS.slice(start, start + characters);
}

/** What a job's prompt names and its answer repeats: nobody else's answer has it. */
export function markOf(tenantId: string, idempotencyKey: string): string {
  return `[${tenantId} ${idempotencyKey}]`;
}

export type SampleJob = { readonly tenantId: string; readonly idempotencyKey: string };

/** `count` jobs of `tenants` tenants, some of which have far more than others; every tenant has one at least. */
export function sampleJobs(count: number, tenants: number): SampleJob[] {
  const random = createRandom("jobs");
  return Array.from({ length: count }, (_, number) => {
    const tenant = number < tenants ? number : Math.floor(random() ** 2 * tenants);
    return {
      tenantId: `tenant-${String(tenant).padStart(3, "0")}`,
      idempotencyKey: `call-${String(number).padStart(6, "0")}`,
    };
  });
}

/** A job's message as it would come off its queue: a call's transcript of 2 to 3 KB to work on. */
export function messageOf(job: SampleJob, model: string, sentAt: number): IncomingMessage {
  const random = createRandom(job.idempotencyKey);
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)];
  const { taskType, queue } = pick(WORK) ?? WORK[0];
  const transcript = textOf(1_500 + Math.floor(random() * 1_000), random);
  const body = {
    version: 1,
    ...job,
    taskType,
    vertical: pick(VERTICALS),
    agentId: pick(AGENTS),
    request: {
      provider: "openai",
      endpoint: "/v1/chat/completions",
      body: {
        model,
        messages: [
          { role: "system", content: `Summarise the call in three sentences. ${textOf(200, random)}` },
          { role: "user", content: `${markOf(job.tenantId, job.idempotencyKey)} ${transcript}` },
        ],
        max_completion_tokens: 600,
      },
    },
    freshness: { effectiveForSeconds: 86_400 },
    metadata: { callId: job.idempotencyKey },
  };
  return {
    messageId: `m-${job.idempotencyKey}`,
    body: JSON.stringify(body),
    senderId: "AROATEST:app",
    sentAt,
    queue,
  };
}

const chatBodySchema = z.object({ messages: z.array(z.object({ content: z.string() })) });

/** The mark in a request's body. */
export function markIn(body: unknown): string {
  const { messages } = chatBodySchema.parse(body);
  const prompt = messages.at(-1)?.content ?? "";
  return prompt.slice(0, prompt.indexOf("]") + 1);
}
