import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { parse } from "csv-parse";
import { z } from "zod";
import type { JobInput } from "../../client/submit-jobs.ts";
import { type Call, transcriptOf } from "./calls.ts";
import { REQUESTS } from "./requests.ts";
import { tenantOfVertical } from "./tenants.ts";

type Task = { readonly taskType: string; readonly request: keyof typeof REQUESTS };

const SUMMARY: Task = { taskType: "post_call_summary", request: "summary" };

/** What becomes of every twenty calls: mostly work that can wait, and now and then somebody who is waiting. */
const TASKS: readonly Task[] = [
  ...Array.from({ length: 7 }, () => SUMMARY),
  ...Array.from(
    { length: 4 },
    () => ({ taskType: "bulk_classification", request: "classification" }) as const,
  ),
  ...Array.from({ length: 4 }, () => ({ taskType: "kb_embedding", request: "embedding" }) as const),
  ...Array.from({ length: 4 }, () => ({ taskType: "lead_scoring", request: "leadScore" }) as const),
  { taskType: "live_chat_response", request: "liveReply" },
];

/** Every so many jobs one is sent again, as an app does that never saw the answer to its first try. */
const REPEAT_EVERY = 25;

/** One job per conversation; the task goes by the conversation's number among its vertical's. */
export function jobsOfCalls(calls: readonly Call[]): JobInput[] {
  const seen = new Map<string, number>();
  return calls.map((call) => {
    const number = seen.get(call.vertical) ?? 0;
    seen.set(call.vertical, number + 1);
    // Verticals begin at different tasks, so that a small sample has every kind as well.
    const begin = [...seen.keys()].indexOf(call.vertical) * 3;
    const task = TASKS[(begin + number * 7) % TASKS.length] ?? SUMMARY;
    return {
      tenantId: tenantOfVertical(call.vertical),
      idempotencyKey: `${call.call_id}/${task.request}`,
      taskType: task.taskType,
      vertical: call.vertical,
      agentId: call.service || "front-desk",
      request: REQUESTS[task.request](transcriptOf(call)),
      freshness: { effectiveForSeconds: 86_400 },
      metadata: { callId: call.call_id },
    };
  });
}

const rowSchema = z.object({ text: z.string().optional() });

/** One classification job for the bank per row of a CSV file with a `text` column. */
export async function jobsOfQueries(file: string): Promise<JobInput[]> {
  const jobs: JobInput[] = [];
  const rows = parse({ columns: true, skip_empty_lines: true, bom: true });
  // What fails in reading the file ends the loop over its rows.
  pipeline(createReadStream(file), rows, () => undefined);
  for await (const row of rows) {
    const { text } = rowSchema.parse(row);
    if (text === undefined) throw new Error(`${file} has no column "text"`);
    jobs.push({
      tenantId: tenantOfVertical("finance"),
      idempotencyKey: `query-${jobs.length + 1}/intent`,
      taskType: "bulk_classification",
      vertical: "finance",
      agentId: "help-desk",
      request: REQUESTS.intent(text),
    });
  }
  return jobs;
}

/** The jobs that are sent a second time on purpose. */
export function repeatsOf(jobs: readonly JobInput[]): JobInput[] {
  return jobs.filter((_job, number) => number % REPEAT_EVERY === 0);
}
