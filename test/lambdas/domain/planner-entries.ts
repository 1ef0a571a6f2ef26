import type { JobId, TenantId, WindowId } from "../../../lambdas/domain/ids.ts";
import type { IndexEntry } from "../../../lambdas/domain/job-record.ts";
import { PROVIDER_BATCH_LIMITS } from "../../../lambdas/domain/limits.ts";
import type { Plan, PlanCircumstances, PlanSettings } from "../../../lambdas/domain/planner.ts";
import type { LaneSettings } from "../../../lambdas/domain/planner-terms.ts";

export const WINDOW = "20261121T120000Z" as WindowId;
export const NOW = Date.UTC(2026, 10, 21, 12);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

const LANES: LaneSettings = {
  pace: {
    jobsPerSecond: 10,
    marginMs: 5 * MINUTE,
    callMs: { flex: 12 * MINUTE, sync: MINUTE },
    stopMs: 17 * MINUTE,
  },
  windowMs: 5 * MINUTE,
  timeFactor: 1,
  flexRefusal: 0.3,
};
export const LANE_PLAN: PlanSettings = {
  limits: PROVIDER_BATCH_LIMITS,
  minBatchJobs: 50,
  leadMs: 2 * HOUR,
  maxJobs: 200_000,
  lanes: LANES,
};
/** Nothing stands in the way of anything. */
export const OPEN: PlanCircumstances = {
  dedicated: new Set(),
  heldAccounts: new Set(),
  unpriced: new Set(),
  over: new Set(),
};

export type Fields = Partial<IndexEntry> & { readonly model?: string; readonly tenant?: string };

/** An entry whose id, and place in its segment, is its number. */
export function entryOf(
  number: number,
  { model = "gpt-5-nano", tenant = "acme", ...fields }: Fields = {},
): IndexEntry {
  return {
    version: 1,
    jobId: number.toString(2).padStart(26, "a").replaceAll("0", "b").replaceAll("1", "c") as JobId,
    tenantId: tenant as TenantId,
    attempt: 1,
    roundStart: 1,
    group: {
      provider: "openai",
      account: "openai",
      endpoint: "/v1/chat/completions",
      model,
      isolation: "shared",
    },
    tokens: 1000,
    outputTokens: 300,
    inputs: 0,
    lineBytes: 400,
    due: NOW + HOUR,
    source: { key: "segments/lines/a.jsonl", line: number, offset: number * 100, length: 100 },
    ...fields,
  };
}

/** So many entries alike. */
export function entriesOf(count: number, fields: Fields = {}, first = 0): IndexEntry[] {
  return Array.from({ length: count }, (_, number) => entryOf(first + number, fields));
}

/** How many entries go where. */
export function shape({ batches, direct, carried }: Plan) {
  return {
    batches: batches.map(({ entries }) => entries.length),
    direct: direct.map(({ choice }) => choice.lane),
    carried: carried.length,
  };
}
