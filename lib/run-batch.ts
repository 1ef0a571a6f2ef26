import type { IFunction } from "aws-cdk-lib/aws-lambda";
import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  Map as MapState,
  Pass,
  ProvideItems,
  Wait,
  WaitTime,
} from "aws-cdk-lib/aws-stepfunctions";
import type { Construct } from "constructs";
import { invoke } from "./invoke-task.ts";

type RunFunctions = {
  readonly writeBatch: IFunction;
  readonly submitBatch: IFunction;
  readonly pollBatch: IFunction;
  readonly collectResults: IFunction;
  readonly settlePart: IFunction;
  readonly closeBatch: IFunction;
};

/** Parts that are settled at the same time. */
const SETTLERS = 5;
/** Seconds until the next look when the last one failed. */
const WAIT_AFTER_FAILED_POLL = 60;

/** What every function is told: the execution's own input, so that no state need carry it on. */
const batch = {
  batchId: "{% $states.context.Execution.Input.batchId %}",
  generation: "{% $states.context.Execution.Input.generation %}",
};

/**
 * One batch, from `{ batchId, generation }`: write its input → submit → poll until it ended → collect → settle its parts →
 * close. Every state may run again, and the whole again from the start, under the next generation. A batch that the
 * provider refused has nothing to poll.
 */
export function runBatch(scope: Construct, functions: RunFunctions): IChainable {
  const write = invoke(scope, functions.writeBatch, { payload: batch });
  const submit = invoke(scope, functions.submitBatch, {
    payload: batch,
    outputs: { kind: "{% $states.result.kind %}", polls: 0 },
    patience: "patient",
  });
  const collect = invoke(scope, functions.collectResults, {
    payload: batch,
    outputs: { parts: "{% $states.result.parts %}" },
    patience: "patient",
  });
  collect.next(settle(scope, functions));
  return write.next(submit).next(
    Choice.jsonata(scope, "Submitted")
      .when(Condition.jsonata("{% $states.input.kind = 'refused' %}"), collect)
      .otherwise(pollUntilEnded(scope, functions.pollBatch, collect)),
  );
}

/** From `{ polls }`. A failed look at the provider says nothing of the batch: it is looked at again. */
function pollUntilEnded(scope: Construct, pollBatch: IFunction, next: IChainable): IChainable {
  const polls = "{% $states.input.polls + 1 %}";
  const poll = invoke(scope, pollBatch, {
    payload: { ...batch, polls: "{% $states.input.polls %}" },
    outputs: {
      phase: "{% $states.result.phase %}",
      waitSeconds: "{% $states.result.waitSeconds %}",
      polls,
    },
    patience: "none",
  });
  const wait = Wait.jsonata(scope, "WaitForBatch", {
    time: WaitTime.seconds("{% $states.input.waitSeconds %}"),
    outputs: { polls: "{% $states.input.polls %}" },
  });
  wait.next(poll);
  poll.addCatch(wait, { outputs: { waitSeconds: WAIT_AFTER_FAILED_POLL, polls } });
  return poll.next(
    Choice.jsonata(scope, "BatchEnded")
      .when(Condition.jsonata("{% $states.input.phase = 'ended' %}"), next)
      .otherwise(wait),
  );
}

/** From `{ parts }`, their number. All parts are tried; the batch is closed only when all are settled. */
function settle(scope: Construct, { settlePart, closeBatch }: RunFunctions): IChainable {
  const unsettled = Pass.jsonata(scope, "PartUnsettled", { outputs: { ok: false } });
  const settlePartTask = invoke(scope, settlePart, {
    payload: { ...batch, part: "{% $states.input.part %}" },
    outputs: { ok: true },
  });
  settlePartTask.addCatch(unsettled);
  const settleParts = MapState.jsonata(scope, "SettleParts", {
    items: ProvideItems.jsonata("{% [0..$states.input.parts - 1] %}"),
    itemSelector: { part: "{% $states.context.Map.Item.Value %}" },
    maxConcurrency: SETTLERS,
    outputs: { unsettled: "{% $count($states.result[ok = false]) %}" },
  }).itemProcessor(settlePartTask);
  const failed = Fail.jsonata(scope, "PartsUnsettled", {
    error: "PartsUnsettled",
    cause: "{% $string($states.input.unsettled) & ' parts could not be settled' %}",
  });
  return settleParts.next(
    Choice.jsonata(scope, "AllSettled")
      .when(
        Condition.jsonata("{% $states.input.unsettled = 0 %}"),
        invoke(scope, closeBatch, { payload: batch }),
      )
      .otherwise(failed),
  );
}
