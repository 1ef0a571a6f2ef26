import type { BatchRecord } from "../lambdas/domain/batch-record.ts";
import { batchIdSchema } from "../lambdas/domain/ids.ts";
import { PROVIDERS } from "../lambdas/domain/vocabulary.ts";
import { OperatorError } from "./operator-error.ts";
import { countText, fieldList, type Report, textTable, timeText } from "./report.ts";
import type { Stack } from "./stack.ts";

/** `offpeak batches list`: the open batches of these provider accounts, named after their provider, and what holds them up. */
export async function batchesList(stack: Stack, accounts: readonly string[] = PROVIDERS): Promise<Report> {
  const open: BatchRecord[] = [];
  const holds: string[] = [];
  for (const account of accounts) {
    const hold = await stack.batches.holdOf(account);
    if (hold !== undefined && hold.until > Date.now())
      holds.push(
        `Nothing is sent to ${account} until ${timeText(hold.until)}: ${hold.code}, ${hold.message}`,
      );
    for await (const { batchId } of stack.batches.listOpen(account)) {
      const batch = await stack.batches.get(batchId);
      // One that was closed while we read is no longer open.
      if (batch !== undefined && batch.state !== "closed") open.push(batch);
    }
  }
  open.sort((a, b) => a.plan.plannedAt - b.plan.plannedAt);
  const table = open.length > 0 ? batchTable(open) : "There are no open batches.";
  return { data: open, text: [table, ...holds].join("\n") };
}

/** `offpeak batches show ID` */
export async function batchesShow(stack: Stack, name: string): Promise<Report> {
  const id = batchIdSchema.safeParse(name);
  const batch = id.success ? await stack.batches.get(id.data) : undefined;
  if (batch === undefined) {
    throw new OperatorError(
      `there is no batch ${name}: a batch id is b- and 20 characters, see \`offpeak batches list\``,
    );
  }
  const { plan } = batch;
  const text = fieldList({
    batch: plan.batchId,
    state: batch.state,
    window: plan.windowId,
    account: plan.group.account,
    endpoint: plan.group.endpoint,
    model: plan.group.model,
    isolation: plan.group.isolation,
    requests: countText(plan.requests),
    tenants: countText(plan.tenants),
    "input bytes": countText(plan.inputBytes),
    "input tokens, estimated": countText(plan.tokens),
    "earliest due": timeText(plan.earliestDue),
    planned: timeText(plan.plannedAt),
    intent: timeText(batch.intentAt),
    submitted: timeText(batch.submittedAt),
    "asked to be cancelled": timeText(batch.cancelAt),
    "given up": timeText(batch.abandonedAt),
    closed: timeText(batch.closedAt),
    "answered, failed, surplus lines":
      batch.outcome &&
      [batch.outcome.answered, batch.outcome.failed, batch.outcome.surplus].map(countText).join(", "),
    "orphan of": plan.orphanOf,
    "provider's batch": batch.providerBatchId,
    "provider's refusal": batch.refusal === null ? null : `${batch.refusal.code}: ${batch.refusal.message}`,
    generation: batch.generation,
    "lease until": timeText(batch.leaseUntil === 0 ? null : batch.leaseUntil),
  });
  return { data: batch, text };
}

function batchTable(batches: readonly BatchRecord[]): string {
  const titles = ["batch", "account", "model", "state", "planned", "earliest due"];
  return textTable(
    [
      ...titles.map((title) => ({ title })),
      { title: "requests", align: "right" },
      { title: "tenants", align: "right" },
      { title: "bytes", align: "right" },
    ],
    batches.map(({ plan, state }) => [
      plan.batchId,
      plan.group.account,
      plan.group.model,
      state,
      timeText(plan.plannedAt),
      timeText(plan.earliestDue),
      countText(plan.requests),
      countText(plan.tenants),
      countText(plan.inputBytes),
    ]),
  );
}
