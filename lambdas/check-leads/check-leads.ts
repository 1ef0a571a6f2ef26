import { DRAFT, LEAD_ROW, leadKeys } from "../domain/lead-scoring/lead-records.ts";
import { draftsUntil, nextLook, scoresUntil } from "../domain/lead-scoring/lead-run.ts";
import { holdRun, type RunPorts, type RunStep } from "../score-leads/held-run.ts";

export type CheckAnswer = {
  /** `lost`: the run is not this execution's any longer. */
  readonly phase: "ready" | "waiting" | "lost";
  readonly waitSeconds: number;
  /** Answers that are not there. */
  readonly missing: number;
};

/** Whether all scores, or all drafts, of a run are there, or it has waited for them long enough. */
export async function checkLeads(
  step: RunStep & { readonly what: "scores" | "drafts" },
  ports: RunPorts,
): Promise<CheckAnswer> {
  const held = await holdRun(step, ports);
  if (held === undefined) return { phase: "lost", waitSeconds: 0, missing: 0 };
  const { run, policy } = held;
  const missing = await countMissing(step, ports);
  const until = step.what === "scores" ? scoresUntil(run, policy) : draftsUntil(run, policy);
  return { ...nextLook(run, { missing, until, now: ports.now() }), missing };
}

async function countMissing(
  { tenantId, day, what }: RunStep & { readonly what: "scores" | "drafts" },
  { records }: RunPorts,
): Promise<number> {
  const rows =
    what === "scores"
      ? records.list(LEAD_ROW, leadKeys.leads(tenantId, day))
      : records.list(DRAFT, leadKeys.drafts(tenantId), leadKeys.draftsOf(day));
  let missing = 0;
  for await (const { state } of rows) if (state === "waiting" || state === "writing") missing += 1;
  return missing;
}
