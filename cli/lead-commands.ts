import { z } from "zod";
import { LEAD_ROW, LEAD_RUN, leadKeys } from "../lambdas/domain/lead-scoring/lead-records.ts";
import type { LeadRow } from "../lambdas/domain/lead-scoring/lead-row.ts";
import type { LeadRun } from "../lambdas/domain/lead-scoring/lead-run.ts";
import { draftsOf, idOf, printable } from "./draft-commands.ts";
import { OperatorError } from "./operator-error.ts";
import { countText, fieldList, type Report, textTable, timeText } from "./report.ts";
import type { Stack } from "./stack.ts";

/** Throws OperatorError unless it is a day of the calendar. */
export function assertDay(day: string): void {
  if (!z.iso.date().safeParse(day).success)
    throw new OperatorError(`the day is one like 2026-11-21, not ${day}`);
}

/** `offpeak leads show TENANT DAY`: the run of the day, what could not be read, and every score, the best first. */
export async function leadsShow(stack: Stack, name: string, day: string): Promise<Report> {
  assertDay(day);
  const tenantId = await idOf(stack, name);
  const records = stack.workloadRecords();
  const run = await records.get(LEAD_RUN, leadKeys.run(tenantId, day));
  if (run === undefined)
    throw new OperatorError(
      `the leads of ${day} (a day of ${name}'s) were not looked at yet: \`npx offpeak leads run ${name} ${day}\` does it now`,
    );
  const rows: LeadRow[] = [];
  for await (const row of records.list(LEAD_ROW, leadKeys.leads(tenantId, day))) rows.push(row);
  rows.sort((a, b) => scoreOf(b) - scoreOf(a));
  const drafts = new Map(
    (await draftsOf(stack, tenantId, { day })).map((draft) => [draft.leadId, draft.state]),
  );
  const table = textTable(
    [{ title: "lead" }, { title: "score", align: "right" }, { title: "why" }, { title: "draft" }],
    rows.map((row) => [
      row.leadId,
      row.state === "scored" ? String(row.score) : "-",
      whyOf(row),
      drafts.get(row.leadId) ?? "-",
    ]),
  );
  const text = [runText(run, rows), rows.length > 0 ? table : emptyText(name, run)].join("\n\n");
  return { data: { run, leads: rows }, text };
}

function emptyText(name: string, { day, state }: LeadRun): string {
  if (state !== "done") return "No lead was found so far.";
  return `No lead was there when the day was run. If some were dropped since: \`npx offpeak leads run ${name} ${day}\``;
}

function scoreOf(row: LeadRow): number {
  return row.state === "scored" ? row.score : -1;
}

function whyOf(row: LeadRow): string {
  switch (row.state) {
    case "waiting":
      return "no score yet";
    case "scored":
      return short(printable(row.reason));
    case "unscored":
      return short(`${row.code}: ${row.message}`);
  }
}

function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function runText(run: LeadRun, rows: readonly LeadRow[]): string {
  const scored = rows.filter(({ state }) => state === "scored").length;
  return fieldList({
    day: run.day,
    run: run.state,
    started: timeText(run.startedAt),
    ended: timeText(run.endedAt),
    leads: `${countText(rows.length)}, ${countText(scored)} scored`,
    refused: countText(run.refused),
    ...Object.fromEntries(
      run.problems.map(({ file, line, problem }, number) => [
        `refused ${number + 1}`,
        `${printable(file)}${line === null ? "" : `, line ${line}`}: ${problem}`,
      ]),
    ),
  });
}
