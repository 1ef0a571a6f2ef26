import { mutant, type Mutant } from "./mutant.ts";

const ESCALATE = "escalate-jobs/escalate-batch.ts";

/** The ways in which jobs that leave a late batch, or a lane without room, could be lost. */
export const ESCALATION_MUTANTS: readonly Mutant[] = [
  mutant("jobs leave a late batch, and nobody is asked to run them", [
    ESCALATE,
    "await ports.runs.send(requests);",
    "",
  ]),
  mutant("an escalation leaves no marker", [
    ESCALATE,
    'await ports.objects.put(escalationKey(plan.batchId, until), "");',
    "",
  ]),
  mutant("an escalation is over while others still move its jobs", [
    ESCALATE,
    "if (inOtherHands > 0) return moved;",
    "",
  ]),
  mutant("what a dead worker meant to hand on stays where it lies", [
    "run-job/run-job.ts",
    "await handOnAgain(leased.job, work, ports);",
    "",
  ]),
  mutant("a job is handed on and not asked for", [
    "run-job/hand-on.ts",
    'if (moved === "won") await ports.syncRuns.send([requestOf({ ...job, source }, attempt + 1, choice)]);',
    "",
  ]),
];
