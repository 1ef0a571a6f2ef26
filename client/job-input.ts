import { z } from "zod";
import { jobMessageSchema } from "../lambdas/domain/job-message.ts";
import type { Tier } from "../lambdas/domain/vocabulary.ts";

/** A job as an app writes it: the job message without its version. */
export type JobInput = Omit<z.input<typeof jobMessageSchema>, "version">;

/** A job ready to be sent: its message body, and the queue its tier goes by. */
export type JobDraft = { readonly job: JobInput; readonly body: string; readonly queue: Tier };

/**
 * Task types that somebody waits for, by the gateway's defaults. Only a hint at which queue is quickest: the tier is
 * decided by the gateway, whatever queue a job comes through.
 */
const URGENT_TASKS: ReadonlyMap<string, Tier> = new Map([
  ["live_chat_response", "critical"],
  ["voice_agent_reply", "critical"],
  ["safety_check", "critical"],
  ["email_draft", "high"],
  ["ticket_classification", "high"],
  ["escalation_decision", "high"],
]);

/** The message of a job, or what is wrong with it in words. */
export function draftOf(job: JobInput): JobDraft | string {
  const parsed = jobMessageSchema.safeParse({ version: 1, ...job });
  if (!parsed.success) return z.prettifyError(parsed.error);
  const queue = parsed.data.tier ?? URGENT_TASKS.get(parsed.data.taskType) ?? "normal";
  return { job, body: JSON.stringify(parsed.data), queue };
}
