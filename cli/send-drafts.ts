import { randomUUID } from "node:crypto";
import type { Instant } from "../lambdas/domain/instant.ts";
import { decideSending, decideSent, type Draft, draftIdOf } from "../lambdas/domain/lead-scoring/draft.ts";
import { DRAFT, leadKeys } from "../lambdas/domain/lead-scoring/lead-records.ts";
import type { Sender } from "../lambdas/adapters/ses-mailer.ts";
import type { TenantId } from "../lambdas/domain/ids.ts";
import { draftNamed, draftsOf, readEmail } from "./draft-commands.ts";
import { OperatorError } from "./operator-error.ts";
import { type Report, textTable } from "./report.ts";
import { type Stack, tenantNamed } from "./stack.ts";

type Outcome = { readonly id: string; readonly state: string; readonly remark: string };

/**
 * `offpeak drafts send TENANT [DRAFT…]`: sends what was approved. A draft is `sending` before SES is called and `sent`
 * after: whoever dies between leaves it `sending`, and it is not sent again unless an operator says so with `again`.
 */
export async function draftsSend(
  stack: Stack,
  name: string,
  ids: readonly string[],
  { again = false }: { readonly again?: boolean },
  now: () => Instant,
): Promise<Report> {
  if (again && ids.length === 0) throw new OperatorError("say which drafts are to be sent again");
  const { tenantId, workloads } = (await tenantNamed(stack, name)).policy;
  const sender = workloads.leadScoring?.sender;
  if (sender === undefined)
    throw new OperatorError(`${name} has no sender: set workloads.leadScoring.sender in its policy`);
  const drafts =
    ids.length === 0
      ? await draftsOf(stack, tenantId, { state: "approved" })
      : await Promise.all(ids.map((id) => draftNamed(stack, tenantId, id)));
  const outcomes: Outcome[] = [];
  for (const draft of drafts) outcomes.push(await send(stack, { tenantId, draft, sender, again, now }));
  if (outcomes.length === 0) return { data: [], text: "There is nothing approved to send." };
  const text = textTable(
    ["draft", "state", ""].map((title) => ({ title })),
    outcomes.map(({ id, state, remark }) => [id, state, remark]),
  );
  return { data: outcomes, text, failed: outcomes.some(({ state }) => state !== "sent") };
}

type Sending = {
  readonly tenantId: TenantId;
  readonly draft: Draft;
  readonly sender: Sender;
  readonly again: boolean;
  readonly now: () => Instant;
};

async function send(stack: Stack, { tenantId, draft, sender, again, now }: Sending): Promise<Outcome> {
  const id = draftIdOf(draft);
  const key = leadKeys.draft(tenantId, draft.day, draft.leadId);
  const attempt = randomUUID();
  const records = stack.workloadRecords();
  // Read before it is marked: what cannot be read leaves the draft as it was.
  const email = "emailKey" in draft ? await readEmail(stack, draft.emailKey) : undefined;
  const begun = await records.decide(DRAFT, key, (current) =>
    decideSending(current, { attempt, again }, now()),
  );
  if (!begun.moved || email === undefined) {
    const { state = "gone" } = begun.draft ?? {};
    const remark =
      state === "sending"
        ? "it may have been sent: look in SES, then send it with --again if it was not"
        : state === "sent"
          ? "before"
          : "only what is approved is sent";
    return { id, state, remark };
  }
  try {
    const end = await stack.mailer.send(email, sender);
    await records.decide(DRAFT, key, (current) => decideSent(current, attempt, end, now()));
    return end.kind === "sent"
      ? { id, state: "sent", remark: end.messageId }
      : { id, state: "approved", remark: end.problem };
  } catch (error) {
    return { id, state: "sending", remark: `it may have been sent: ${String(error)}` };
  }
}
