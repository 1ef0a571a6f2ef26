import type { RunSummary } from "./run-summary.ts";
import { shrink } from "./shrink.ts";
import { simulateRun } from "./simulate-run.ts";
import type { Stage } from "./stage.ts";
import type { RunOptions, World } from "./world.ts";

const SHOWN_VIOLATIONS = 8;
const SHOWN_EVENTS = 70;
const SHRINKING_MS = 60_000;

/** Says what a failed run violated, narrows it down, and tells the story of what it concerns. */
export async function printFailure(
  stage: Stage,
  failed: RunSummary,
  options: RunOptions,
  print: (line: string) => void,
): Promise<void> {
  print(`\nseed ${failed.seed} fails:`);
  for (const { invariant, what } of failed.violations.slice(0, SHOWN_VIOLATIONS))
    print(`  ${invariant}: ${what}`);
  const hidden = failed.violations.length - SHOWN_VIOLATIONS;
  if (hidden > 0) print(`  … and ${hidden} more`);
  const [first] = failed.violations;
  if (first === undefined) return;
  print("\nnarrowing it down …");
  const { options: small, tries } = await shrink(stage, options, first.invariant, SHRINKING_MS);
  print(`after ${tries} runs it still fails with ${small.only?.length ?? "all"} jobs:`);
  print(`  ${commandOf(small)}`);
  const world = await tracedRun(stage, small);
  const told = world?.violations.found.find(({ invariant }) => invariant === first.invariant);
  if (world === null || told === undefined) return;
  print(`\n${told.invariant}: ${told.what}\n`);
  for (const line of world.trace.concerning(told.ids, SHOWN_EVENTS)) print(`  ${line}`);
}

async function tracedRun(stage: Stage, options: RunOptions): Promise<World | null> {
  try {
    return await simulateRun(stage, { ...options, traced: true });
  } catch {
    // It broke off: the violation holds the stack.
    return null;
  }
}

function commandOf({ seed, jobs, only, without }: RunOptions): string {
  const flags = [`--seed ${seed}`, "--runs 1", `--jobs ${jobs}`];
  if (only !== null) flags.push(`--only ${only.join(",")}`);
  for (const fault of without) flags.push(`--without ${JSON.stringify(fault)}`);
  return `npm run simulate -- ${flags.join(" ")}`;
}
