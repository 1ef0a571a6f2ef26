import { Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import { assembleWindow } from "./assemble-window.ts";
import { batchFunctions } from "./batch-functions.ts";
import { runBatch } from "./run-batch.ts";
import type { StageParts } from "./stage-parts.ts";
import { windowFunctions } from "./window-functions.ts";
import { WorkflowMachine } from "./workflow-machine.ts";

/** Nothing in a window waits on anything but our own functions. */
const WINDOW_TIMEOUT = Duration.hours(2);
/** The provider's 24 hours twice over, since batches have been seen to hang, and an hour to settle. */
const RUN_TIMEOUT = Duration.hours(49);

/**
 * The batch lane: AssembleWindow makes batches of what was admitted, RunBatch takes one batch from its submission to
 * the ledger.
 */
export class BatchWorkflow extends Construct {
  readonly assembleWindow: WorkflowMachine;
  readonly runBatch: WorkflowMachine;

  constructor(scope: Construct, id: string, parts: StageParts) {
    super(scope, id);
    const { settings } = parts.stage;
    const ofWindow = windowFunctions(this, parts);
    const ofBatch = batchFunctions(this, parts);
    this.runBatch = new WorkflowMachine(this, "RunBatch", {
      settings,
      timeout: RUN_TIMEOUT,
      definition: (states) => runBatch(states, ofBatch),
      invokes: Object.values(ofBatch),
    });
    this.assembleWindow = new WorkflowMachine(this, "AssembleWindow", {
      settings,
      timeout: WINDOW_TIMEOUT,
      definition: (states) => assembleWindow(states, ofWindow, this.runBatch),
      invokes: Object.values(ofWindow),
      starts: [this.runBatch],
    });
  }
}
