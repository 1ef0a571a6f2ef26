import type { IFunction } from "aws-cdk-lib/aws-lambda";
import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  Map as MapState,
  Pass,
  ProvideItems,
  type StateMachine,
  Succeed,
  TaskInput,
} from "aws-cdk-lib/aws-stepfunctions";
import { StepFunctionsStartExecution } from "aws-cdk-lib/aws-stepfunctions-tasks";
import type { Construct } from "constructs";
import { invoke } from "./invoke-task.ts";
import { SPREAD_RETRY } from "./retry-policies.ts";

type AssemblyFunctions = {
  readonly freezeWindow: IFunction;
  readonly planWindow: IFunction;
  readonly writeBatch: IFunction;
  readonly closeWindow: IFunction;
};

/** Batches that are written at the same time. */
const WRITERS = 5;

/** The generation of a batch's first execution; names of executions are taken for 90 days. */
const FIRST_GENERATION = 1;

/** An earlier run of the window came this far. */
const ALREADY_STARTED = "StepFunctions.ExecutionAlreadyExistsException";

/**
 * One window, from `{ scheduledTime }`: freeze → plan → write each batch and start its run → close. A batch that cannot
 * be written or started is left behind, so that it holds up neither the others nor the next window; the execution then
 * fails at its very end, which raises the alarm.
 */
export function assembleWindow(
  scope: Construct,
  functions: AssemblyFunctions,
  runBatch: StateMachine,
): IChainable {
  const freeze = invoke(scope, functions.freezeWindow, {
    payload: { scheduledTime: "{% $states.input.scheduledTime %}" },
  });
  const plan = invoke(scope, functions.planWindow, {
    payload: { windowId: "{% $states.input.windowId %}" },
    outputs: { windowId: "{% $states.input.windowId %}", batches: "{% $states.result.batches %}" },
  });
  const writeBatches = MapState.jsonata(scope, "WriteBatches", {
    items: ProvideItems.jsonata("{% $states.input.batches %}"),
    itemSelector: { batchId: "{% $states.context.Map.Item.Value %}" },
    maxConcurrency: WRITERS,
    outputs: { windowId: "{% $states.input.windowId %}", left: "{% $count($states.result[ok = false]) %}" },
  }).itemProcessor(writeAndStart(scope, functions.writeBatch, runBatch));
  const close = invoke(scope, functions.closeWindow, {
    payload: { windowId: "{% $states.input.windowId %}" },
    outputs: { left: "{% $states.input.left %}" },
  });
  const allStarted = Choice.jsonata(scope, "AllBatchesStarted")
    .when(Condition.jsonata("{% $states.input.left = 0 %}"), Succeed.jsonata(scope, "WindowAssembled"))
    .otherwise(
      Fail.jsonata(scope, "BatchesLeftBehind", {
        error: "BatchesLeftBehind",
        cause: "{% $string($states.input.left) & ' batches could not be written or started' %}",
      }),
    );
  const nothing = Succeed.jsonata(scope, "NothingWaits");
  return freeze.next(
    Choice.jsonata(scope, "WindowFrozen")
      .when(Condition.jsonata("{% $states.input.windowId = null %}"), nothing)
      .otherwise(plan.next(writeBatches).next(close).next(allStarted)),
  );
}

/** One batch, from `{ batchId }` to `{ ok }`. */
function writeAndStart(scope: Construct, writeBatch: IFunction, runBatch: StateMachine): IChainable {
  const leftBehind = Pass.jsonata(scope, "BatchLeftBehind", { outputs: { ok: false } });
  const alreadyStarted = Pass.jsonata(scope, "BatchAlreadyStarted", { outputs: { ok: true } });
  const batchId = "{% $states.input.batchId %}";
  const write = invoke(scope, writeBatch, { payload: { batchId }, outputs: { batchId } });
  const start = StepFunctionsStartExecution.jsonata(scope, "StartRunBatch", {
    stateMachine: runBatch,
    name: `{% $states.input.batchId & "-${FIRST_GENERATION}" %}`,
    input: TaskInput.fromObject({ batchId, generation: FIRST_GENERATION }),
    outputs: { ok: true },
  });
  start.addRetry({ errors: [ALREADY_STARTED], maxAttempts: 0 });
  start.addRetry(SPREAD_RETRY);
  start.addCatch(alreadyStarted, { errors: [ALREADY_STARTED] });
  write.addCatch(leftBehind);
  start.addCatch(leftBehind);
  return write.next(start);
}
