import { readHeader } from "../lambdas/admit-jobs/end-unanswered.ts";
import type { JobHeader, Source } from "../lambdas/domain/job-record.ts";
import { sendOn } from "../lambdas/retry-dead-letters/send-on.ts";
import { type LetterView, viewOf } from "./dead-letter-view.ts";
import { discardLetter } from "./discard-letter.ts";
import { OperatorError } from "./operator-error.ts";
import { eachPage, notThere, type SeenLetter, withLetter } from "./read-dead-letters.ts";
import { countText, fieldList, type Report, textTable, timeText } from "./report.ts";
import type { Stack } from "./stack.ts";

/** `offpeak dead-letters list`: looks at up to `limit` letters of each queue and leaves them where they are. */
export async function deadLettersList(stack: Stack, limit: number): Promise<Report> {
  const views: LetterView[] = [];
  const look = async (letters: readonly SeenLetter[]) => {
    views.push(...letters.map(viewOf));
    return { gone: [] };
  };
  await eachPage(stack, look, limit);
  if (views.length === 0) return { data: [], text: "There are no dead letters." };
  const titles = ["id", "queue", "since", "kind", "tenant", "job", "reason"];
  const text = textTable(
    titles.map((title) => ({ title })),
    views.map(({ id, queue, since, kind, tenantId, jobId, code, message }) => [
      id,
      queue,
      since,
      kind,
      tenantId ?? "-",
      jobId ?? "-",
      `${code}: ${message}`,
    ]),
  );
  return { data: views, text };
}

/** `offpeak dead-letters show ID`: all that is known of one letter; the request itself only when it is asked for. */
export async function deadLettersShow(
  stack: Stack,
  id: string,
  { body: withBody = false }: { readonly body?: boolean },
): Promise<Report> {
  return withLetter(stack, id, async (seen) => {
    const source = sourceOf(seen);
    const job = source && (await headerAt(source, stack));
    const body = withBody ? await bodyOf(seen, source, stack) : undefined;
    const view = viewOf(seen);
    const list = fieldList({
      id: view.id,
      queue: view.queue,
      since: view.since,
      kind: view.kind,
      reason: `${view.code}: ${view.message}`,
      tenant: view.tenantId,
      job: view.jobId,
      attempts: view.attempts,
      "sent again": view.passes,
      sender: view.senderId,
      bytes: countText(view.bytes),
      ...(job && {
        key: job.idempotencyKey,
        "task type": job.taskType,
        tier: job.tier,
        model: `${job.group.model} at ${job.group.provider} ${job.group.endpoint}`,
        received: timeText(job.receivedAt),
        due: timeText(job.due),
      }),
    });
    const data = { ...view, ...(job && { job }), ...(body !== undefined && { body }) };
    return { gone: false, result: { data, text: body === undefined ? list : `${list}\n\n${body}` } };
  });
}

export type RetryOptions = { readonly all?: boolean; readonly reason?: string };

/**
 * `offpeak dead-letters retry`: sends letters on at once, those that were tried too often too. `all` leaves out what
 * becomes no job by being sent again: messages that were kept for a reason are named by id or by that reason.
 */
export async function deadLettersRetry(
  stack: Stack,
  ids: readonly string[],
  { all = false, reason }: RetryOptions,
): Promise<Report> {
  if ([ids.length > 0, all, reason !== undefined].filter(Boolean).length !== 1)
    throw new OperatorError("say which: ids, or --all, or --reason CODE");
  const missing = new Set(ids);
  const chosen = (seen: SeenLetter): boolean => {
    if (seen.letter.kind === "unreadable" || seen.letter.kind === "workload") return false;
    if (all) return seen.letter.kind !== "message";
    return reason === undefined ? missing.has(seen.received.messageId) : viewOf(seen).code === reason;
  };
  const sent: LetterView[] = [];
  let left = 0;
  await eachPage(stack, async (letters) => {
    const gone = letters.filter(chosen);
    await sendOn(gone, stack);
    for (const seen of gone) missing.delete(seen.received.messageId);
    sent.push(...gone.map(viewOf));
    left += letters.length - gone.length;
    return { gone, enough: ids.length > 0 && missing.size === 0 };
  });
  const [lost] = missing;
  if (lost !== undefined)
    throw new OperatorError(`${sent.length > 0 ? `${sent.length} sent on; ` : ""}${notThere(lost)}`);
  const rest = ids.length === 0 && left > 0 ? `; ${countText(left)} left where they are` : "";
  return { data: sent, text: `${countText(sent.length)} sent on${rest}.` };
}

/** `offpeak dead-letters discard ID`: deletes a letter for good, and says what is lost with it. */
export async function deadLettersDiscard(
  stack: Stack,
  id: string,
  { yes = false }: { readonly yes?: boolean },
  now: number,
): Promise<Report> {
  return withLetter(stack, id, async (seen) => {
    const source = sourceOf(seen);
    const job = source && (await headerAt(source, stack));
    if (!yes) {
      const { kind, code } = viewOf(seen);
      throw new OperatorError(
        `${id} (${kind}, ${code}) is deleted for good with --yes; \`offpeak dead-letters retry ${id}\` tries it once more`,
      );
    }
    const lost = await discardLetter(seen, job, stack, now);
    return { gone: true, result: { data: { ...viewOf(seen), lost }, text: `Deleted. ${lost}` } };
  });
}

/** Where the request of a letter's job lies. */
function sourceOf({ letter }: SeenLetter): Source | undefined {
  if (letter.kind === "job") return letter.letter.source;
  if (letter.kind !== "run") return undefined;
  return "source" in letter.request ? letter.request.source : undefined;
}

/** What was admitted; nothing when it can no longer be read, which is no reason not to show the rest. */
async function headerAt(source: Source, stack: Stack): Promise<JobHeader | undefined> {
  try {
    return await readHeader(source, stack.objects);
  } catch {
    return undefined;
  }
}

async function bodyOf(seen: SeenLetter, source: Source | undefined, stack: Stack): Promise<string> {
  const { letter, received } = seen;
  if (source) {
    const bytes = await stack.objects.getRange(source.key, source.offset, source.length);
    return Buffer.from(bytes).toString("utf8");
  }
  if (letter.kind !== "message") return received.body;
  const { body, bodyKey } = letter.letter;
  const stored = body === null && bodyKey !== null ? await stack.objects.get(bodyKey) : undefined;
  return stored ? Buffer.from(stored).toString("utf8") : (body ?? received.body);
}
