import type { PlannedBatch } from "./batch-record.ts";
import type { Instant } from "./instant.ts";
import type { IndexEntry } from "./job-record.ts";

/** More steps than a row of the batches table needs to tell one urgent part from the next. */
const MOST_STEPS = 64;
/** Due times that differ by less are one. */
const FINEST_MS = 1000;

/** The due times of a batch in steps, and its entries, in their order, each due by its own step. */
export type DueSteps = {
  readonly dues: NonNullable<PlannedBatch["dues"]>;
  readonly entries: readonly IndexEntry[];
};

/**
 * Rounds the due times of a batch's entries down to at most 64 steps, as fine as that allows: jobs of one step leave a late
 * batch together, in time for the one that is due first.
 */
export function roundDues(entries: readonly IndexEntry[], now: Instant): DueSteps {
  const sorted = [...new Set(entries.map(({ due }) => due))].toSorted((a, b) => a - b);
  let stepOf = stepsOf(sorted, FINEST_MS, now);
  for (let width = 2 * FINEST_MS; new Set(stepOf.values()).size > MOST_STEPS; width *= 2)
    stepOf = stepsOf(sorted, width, now);
  const dues = new Map<Instant, { due: Instant; jobs: number; tokens: number }>();
  const rounded = entries.map((entry) => {
    const due = stepOf.get(entry.due) ?? entry.due;
    const step = dues.get(due) ?? { due, jobs: 0, tokens: 0 };
    dues.set(due, { due, jobs: step.jobs + 1, tokens: step.tokens + entry.tokens });
    return due === entry.due ? entry : { ...entry, due };
  });
  return { dues: [...dues.values()].toSorted((a, b) => a.due - b.due), entries: rounded };
}

/** By due time, the first of the times that lie within `width` of one another: what is overdue apart from what is not. */
function stepsOf(sorted: readonly Instant[], width: number, now: Instant): Map<Instant, Instant> {
  const steps = new Map<Instant, Instant>();
  let first = -Infinity;
  for (const due of sorted) {
    if (due >= first + width || (first <= now && due > now)) first = due;
    steps.set(due, first);
  }
  return steps;
}
