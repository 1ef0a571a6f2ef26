import { writeFile } from "node:fs/promises";
import { MissingRecordError } from "../lambdas/domain/failures.ts";
import type { TenantId } from "../lambdas/domain/ids.ts";
import type { Instant } from "../lambdas/domain/instant.ts";
import {
  decideApproved,
  decideDiscarded,
  type Draft,
  draftIdOf,
  draftSchema,
  type DraftState,
} from "../lambdas/domain/lead-scoring/draft.ts";
import { type Email, emailSchema } from "../lambdas/domain/lead-scoring/email.ts";
import { DRAFT, leadKeys } from "../lambdas/domain/lead-scoring/lead-records.ts";
import { parseStoredJson } from "../lambdas/domain/stored-json.ts";
import type { Decision } from "../lambdas/domain/workload-record.ts";
import { OperatorError } from "./operator-error.ts";
import { countText, fieldList, type Report, textTable, timeText } from "./report.ts";
import { type Stack, tenantNamed } from "./stack.ts";

export const DRAFT_STATES: readonly DraftState[] = draftSchema.options.map(({ shape }) => shape.state.value);

export type DraftListOptions = { readonly day?: string; readonly state?: DraftState };

/** `offpeak drafts list TENANT` */
export async function draftsList(stack: Stack, name: string, options: DraftListOptions): Promise<Report> {
  const drafts = await draftsOf(stack, await idOf(stack, name), options);
  if (drafts.length === 0) return { data: [], text: "There are no such drafts." };
  const titles = ["draft", "score", "to", "state", "subject"];
  const text = textTable(
    titles.map((title) => ({ title, align: title === "score" ? "right" : "left" })),
    drafts.map((draft) => [
      draftIdOf(draft),
      String(draft.score),
      `${printable(draft.to.name)} <${draft.to.email}>`,
      draft.state,
      printable("subject" in draft ? draft.subject : remarkOf(draft)),
    ]),
  );
  return { data: drafts.map((draft) => ({ id: draftIdOf(draft), ...draft })), text };
}

/** `offpeak drafts show TENANT DRAFT`: the e-mail as a person gets it; `html` is a file to be written. */
export async function draftsShow(
  stack: Stack,
  name: string,
  id: string,
  { html: file }: { readonly html?: string },
): Promise<Report> {
  const draft = await draftNamed(stack, await idOf(stack, name), id);
  const email = "emailKey" in draft ? await readEmail(stack, draft.emailKey) : undefined;
  if (file !== undefined) {
    if (email === undefined) throw new OperatorError(`${id} is ${draft.state}: there is no e-mail yet`);
    await writeFile(file, email.html);
  }
  const list = fieldList({
    draft: id,
    state: draft.state,
    remark: remarkOf(draft) || null,
    since: "at" in draft ? timeText(draft.at) : null,
    score: draft.score,
    to: `${printable(draft.to.name)} <${draft.to.email}>`,
    subject: "subject" in draft ? printable(draft.subject) : null,
    ...(file !== undefined && { html: file }),
  });
  return {
    data: { id, ...draft, ...(email && { email }) },
    text: email === undefined ? list : `${list}\n\n${printable(email.text)}`,
  };
}

/** `offpeak drafts approve TENANT DRAFT…` */
export function draftsApprove(
  stack: Stack,
  name: string,
  ids: readonly string[],
  now: Instant,
): Promise<Report> {
  return moveAll(stack, name, ids, "approved", (current) => decideApproved(current, now));
}

/** `offpeak drafts discard TENANT DRAFT…` */
export function draftsDiscard(
  stack: Stack,
  name: string,
  ids: readonly string[],
  now: Instant,
): Promise<Report> {
  return moveAll(stack, name, ids, "discarded", (current) => decideDiscarded(current, now));
}

type Move = (
  current: Draft | undefined,
) => Decision<Draft, { readonly moved: boolean; readonly draft: Draft | undefined }>;

/** Moves each; one that is there already is as good, one that cannot be moved says why and stops the rest. */
async function moveAll(
  stack: Stack,
  name: string,
  ids: readonly string[],
  wanted: DraftState,
  move: Move,
): Promise<Report> {
  const tenantId = await idOf(stack, name);
  const moved: string[] = [];
  for (const id of ids) {
    const { day, leadId } = await draftNamed(stack, tenantId, id);
    const key = leadKeys.draft(tenantId, day, leadId);
    const { draft } = await stack.workloadRecords().decide(DRAFT, key, move);
    if (draft?.state !== wanted)
      throw new OperatorError(
        `${id} is ${draft?.state} and cannot be ${wanted}; done before it: ${moved.join(", ") || "none"}`,
      );
    moved.push(id);
  }
  return { data: moved, text: `${countText(moved.length)} ${wanted}.` };
}

/** A tenant's drafts, day by day, the best leads of each day first. */
export async function draftsOf(
  stack: Stack,
  tenantId: TenantId,
  { day, state }: DraftListOptions,
): Promise<Draft[]> {
  const drafts: Draft[] = [];
  const prefix = day === undefined ? "" : leadKeys.draftsOf(day);
  for await (const draft of stack.workloadRecords().list(DRAFT, leadKeys.drafts(tenantId), prefix))
    if (state === undefined || draft.state === state) drafts.push(draft);
  return drafts.toSorted((a, b) => (a.day === b.day ? b.score - a.score : a.day < b.day ? -1 : 1));
}

/** Throws OperatorError when the tenant has no such draft. */
export async function draftNamed(stack: Stack, tenantId: TenantId, id: string): Promise<Draft> {
  const slash = id.indexOf("/");
  const key = leadKeys.draft(tenantId, id.slice(0, slash), id.slice(slash + 1));
  const draft = slash === -1 ? undefined : await stack.workloadRecords().get(DRAFT, key);
  if (draft !== undefined) return draft;
  throw new OperatorError(`${tenantId} has no draft ${id}: see \`offpeak drafts list ${tenantId}\``);
}

export async function readEmail(stack: Stack, key: string): Promise<Email> {
  const bytes = await stack.objects.get(key);
  if (bytes === undefined) throw new MissingRecordError(`no object ${key}`);
  return parseStoredJson(emailSchema, bytes);
}

export async function idOf(stack: Stack, name: string): Promise<TenantId> {
  return (await tenantNamed(stack, name)).policy.tenantId;
}

function remarkOf(draft: Draft): string {
  if (draft.state === "unwritten") return `${draft.code}: ${draft.message}`;
  if (draft.state === "sending") return "an attempt began and nobody saw its end: it may have been sent";
  return "problem" in draft ? (draft.problem ?? "") : "";
}

/** What leads and models write must not steer the operator's terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, "�");
}
