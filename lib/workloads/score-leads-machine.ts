import type { IFunction } from "aws-cdk-lib/aws-lambda";
import {
  Choice,
  Condition,
  type IChainable,
  Map as MapState,
  Pass,
  ProvideItems,
  Succeed,
  Wait,
  WaitTime,
} from "aws-cdk-lib/aws-stepfunctions";
import type { Construct } from "constructs";
import { invoke } from "../invoke-task.ts";

export type LeadFunctions = {
  readonly findLeadRuns: IFunction;
  readonly scoreLeads: IFunction;
  readonly checkLeads: IFunction;
  readonly draftLeads: IFunction;
  readonly renderDrafts: IFunction;
};

/** As many as an execution is ever given: they mostly wait. */
const RUNS_AT_ONCE = 40;

/** The same all the way, so that every state may run again and a run of its own can follow one that died. */
const run = {
  tenantId: "{% $states.input.tenantId %}",
  day: "{% $states.input.day %}",
  holder: "{% $states.context.Execution.Name %}",
};
const passedOn = { tenantId: run.tenantId, day: run.day };

/**
 * All runs that are due, from `{}`, or `{ rerun: { tenantId, day } }` for one day again: find them, and for each send the
 * scoring jobs, wait for the scores, send the drafting jobs, wait for the drafts, render. A run that fails holds up none
 * of the others: the next execution takes it up where it was left.
 */
export function scoreLeadsMachine(scope: Construct, functions: LeadFunctions): IChainable {
  const find = invoke(scope, functions.findLeadRuns, {
    payload: {
      holder: run.holder,
      rerun: "{% $exists($states.input.rerun) ? $states.input.rerun : null %}",
    },
  });
  const runAll = MapState.jsonata(scope, "ScoreEach", {
    items: ProvideItems.jsonata("{% $states.input.runs %}"),
    itemSelector: {
      tenantId: "{% $states.context.Map.Item.Value.tenantId %}",
      day: "{% $states.context.Map.Item.Value.day %}",
    },
    maxConcurrency: RUNS_AT_ONCE,
    outputs: {},
  }).itemProcessor(oneRun(scope, functions));
  return find.next(runAll);
}

/** One tenant's day, from `{ tenantId, day }`. */
function oneRun(scope: Construct, functions: LeadFunctions): IChainable {
  const left = Pass.jsonata(scope, "LeftToTheNext", { outputs: {} });
  const over = Succeed.jsonata(scope, "RunOver");
  const score = invoke(scope, functions.scoreLeads, {
    payload: run,
    outputs: { ...passedOn, kind: "{% $states.result.kind %}" },
  });
  const draft = invoke(scope, functions.draftLeads, {
    payload: run,
    outputs: { ...passedOn, kind: "{% $states.result.kind %}" },
  });
  const render = invoke(scope, functions.renderDrafts, { payload: run, outputs: {} });
  for (const state of [score, draft, render]) state.addCatch(left);

  const drafts = waitFor(scope, functions.checkLeads, "drafts", { next: render, over, left });
  const scores = waitFor(scope, functions.checkLeads, "scores", { next: draft, over, left });
  draft.next(Choice.jsonata(scope, "DraftsSent").when(isKind("sent"), drafts).otherwise(over));
  return score.next(Choice.jsonata(scope, "ScoringSent").when(isKind("sent"), scores).otherwise(over));
}

function isKind(kind: string): Condition {
  return Condition.jsonata(`{% $states.input.kind = '${kind}' %}`);
}

type Ways = { readonly next: IChainable; readonly over: IChainable; readonly left: IChainable };

/** Looks until all answers are there or the tenant's patience is over: the function says when to look again. */
function waitFor(
  scope: Construct,
  checkLeads: IFunction,
  what: "scores" | "drafts",
  { next, over, left }: Ways,
): IChainable {
  const title = what === "scores" ? "Scores" : "Drafts";
  const check = invoke(scope, checkLeads, {
    name: `Check${title}`,
    payload: { ...run, what },
    outputs: {
      ...passedOn,
      phase: "{% $states.result.phase %}",
      waitSeconds: "{% $states.result.waitSeconds %}",
    },
  });
  check.addCatch(left);
  const wait = Wait.jsonata(scope, `WaitFor${title}`, {
    time: WaitTime.seconds("{% $states.input.waitSeconds %}"),
    outputs: passedOn,
  });
  wait.next(check);
  return check.next(
    Choice.jsonata(scope, `${title}There`)
      .when(Condition.jsonata("{% $states.input.phase = 'waiting' %}"), wait)
      .when(Condition.jsonata("{% $states.input.phase = 'ready' %}"), next)
      .otherwise(over),
  );
}
