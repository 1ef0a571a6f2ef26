import { randomUUID } from "node:crypto";
import type { TenantId } from "../lambdas/domain/ids.ts";
import type { Instant } from "../lambdas/domain/instant.ts";
import { LEAD_RUN, LEADS_KEPT_DAYS, leadKeys } from "../lambdas/domain/lead-scoring/lead-records.ts";
import { decideClaim, type LeadRun } from "../lambdas/domain/lead-scoring/lead-run.ts";
import { addDays, type Day, localMoment } from "../lambdas/domain/lead-scoring/local-time.ts";
import { assertDay } from "./lead-commands.ts";
import { OperatorError } from "./operator-error.ts";
import { type Report, timeText } from "./report.ts";
import { type Stack, tenantNamed } from "./stack.ts";

/** `offpeak leads run TENANT DAY`: the run of that day once more, unless one is under way. */
export async function leadsRun(stack: Stack, name: string, day: string, now: Instant): Promise<Report> {
  assertDay(day);
  const leadRuns = stack.leadRuns();
  const { tenantId, workloads } = (await tenantNamed(stack, name)).policy;
  const policy = workloads.leadScoring;
  if (policy === undefined) {
    throw new OperatorError(
      `${name} has no lead scoring: set workloads.leadScoring in its entry of the tenants file, then \`npx offpeak tenants put FILE\``,
    );
  }
  const today = localMoment(now, policy.timeZone).day;
  if (day > today)
    throw new OperatorError(`${day} is still to come for ${name}: it is ${today} in ${policy.timeZone}`);
  if (addDays(day, LEADS_KEPT_DAYS) <= today)
    throw new OperatorError(`${day} is too long ago: after ${LEADS_KEPT_DAYS} days its leads are forgotten`);

  const current = await stack.workloadRecords().get(LEAD_RUN, leadKeys.run(tenantId, day));
  // Also the run's holder, which must be a new one: a done run is not taken up by whoever did it.
  const holder = `${tenantId}-${day}-${randomUUID().slice(0, 8)}`;
  // What the execution would be told; whatever changes until it asks, it asks for itself.
  const { answer } = decideClaim(current, { day, holder, now, again: true });
  if (current !== undefined && answer === "left") return underWay(tenantId, current);
  const executionArn = await leadRuns.start({ tenantId, day }, holder);
  return {
    data: { started: true, tenantId, day, executionArn },
    text: startedText(tenantId, day, { today, holder }),
  };
}

function startedText(
  tenantId: TenantId,
  day: Day,
  { today, holder }: { readonly today: Day; readonly holder: string },
): string {
  const lines = [
    `Started: the leads of ${day} of ${tenantId}, by the execution ${holder}. What is done already stays as it is.`,
    `What comes of it: \`npx offpeak leads show ${tenantId} ${day}\``,
  ];
  // A done day is not looked at again by the schedule.
  if (day === today)
    lines.push(
      "The day is not over for the tenant: what it drops from now on is scored only if you run it again.",
    );
  return lines.join("\n");
}

/** Nothing was started, which another time may go well. */
function underWay(tenantId: TenantId, run: LeadRun): Report {
  const { day, startedAt, heldUntil } = run;
  const text = [
    `Nothing was started: a run of ${day} of ${tenantId} is under way since ${timeText(startedAt)} (UTC).`,
    `How far it is: \`npx offpeak leads show ${tenantId} ${day}\``,
    `If its execution is dead, run the day again after ${timeText(heldUntil)}: until then it may still give a sign of life.`,
  ].join("\n");
  return { data: { started: false, tenantId, day, run }, text, failed: true };
}
