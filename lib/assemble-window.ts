import type { IFunction } from "aws-cdk-lib/aws-lambda";
import {
  Choice,
  Condition,
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
  readonly closeWindow: IFunction;
};

/** Batches that are started at the same time. */
const STARTERS = 5;

/** The generation of a batch's first execution; names of executions are taken for 90 days. */
const FIRST_GENERATION = 1;

/** An earlier run of the window came this far. */
const ALREADY_STARTED = "StepFunctions.ExecutionAlreadyExistsException";

/**
 * One window, from `{ scheduledTime }`: freeze → plan → start the run of each batch → close. A batch that cannot be
 * started holds up neither the others nor the next window: it is registered as open, and the sweeper starts it.
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
  const startBatches = MapState.jsonata(scope, "StartBatches", {
    items: ProvideItems.jsonata("{% $states.input.batches %}"),
    itemSelector: { batchId: "{% $states.context.Map.Item.Value %}" },
    maxConcurrency: STARTERS,
    outputs: { windowId: "{% $states.input.windowId %}" },
  }).itemProcessor(startBatch(scope, runBatch));
  const close = invoke(scope, functions.closeWindow, {
    payload: { windowId: "{% $states.input.windowId %}" },
  });
  const nothing = Succeed.jsonata(scope, "NothingWaits");
  return freeze.next(
    Choice.jsonata(scope, "WindowFrozen")
      .when(Condition.jsonata("{% $states.input.windowId = null %}"), nothing)
      .otherwise(plan.next(startBatches).next(close)),
  );
}

/** One batch, from `{ batchId }`. */
function startBatch(scope: Construct, runBatch: StateMachine): IChainable {
  const left = Pass.jsonata(scope, "LeftToTheSweeper", { outputs: {} });
  const alreadyStarted = Pass.jsonata(scope, "BatchAlreadyStarted", { outputs: {} });
  const batchId = "{% $states.input.batchId %}";
  const start = StepFunctionsStartExecution.jsonata(scope, "StartRunBatch", {
    stateMachine: runBatch,
    name: `{% $states.input.batchId & "-${FIRST_GENERATION}" %}`,
    input: TaskInput.fromObject({ batchId, generation: FIRST_GENERATION }),
    outputs: {},
  });
  start.addRetry({ errors: [ALREADY_STARTED], maxAttempts: 0 });
  start.addRetry(SPREAD_RETRY);
  start.addCatch(alreadyStarted, { errors: [ALREADY_STARTED] });
  start.addCatch(left);
  return start;
}
