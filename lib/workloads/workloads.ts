import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import type { StageParts } from "../stage-parts.ts";
import { LeadScoring } from "./lead-scoring.ts";
import { ObjectEvents } from "./object-events.ts";
import { PostCall } from "./post-call.ts";
import { ReIndex } from "./re-index.ts";
import type { WorkloadParts } from "./workload-parts.ts";
import { WorkloadStorage } from "./workload-storage.ts";

/** What a workload runs: its machines, and its functions outside of them. */
type Watched = { readonly machines?: readonly StateMachine[]; readonly functions: readonly IFunction[] };

/** The workloads that the stage's settings switch on, each built on the job queues and the results of its jobs alone. */
export class Workloads extends Construct {
  /** What is watched as the gateway's own is. */
  readonly machines: StateMachine[] = [];
  readonly functions: IFunction[] = [];

  constructor(scope: Construct, id: string, parts: StageParts) {
    super(scope, id);
    const { workloads } = parts.stage.settings;
    const workloadParts: WorkloadParts = {
      ...parts,
      objectEvents: new ObjectEvents(this, "ObjectEvents", { bucket: parts.storage.bucket }),
      workloadStorage: new WorkloadStorage(this, "Storage", parts.stage.settings),
    };
    if (workloads.postCall) this.#add(new PostCall(this, "PostCall", workloadParts));
    if (workloads.leadScoring) this.#add(new LeadScoring(this, "LeadScoring", workloadParts));
    if (workloads.reIndex) this.#add(new ReIndex(this, "ReIndex", workloadParts));
  }

  #add({ machines = [], functions }: Watched): void {
    this.machines.push(...machines);
    this.functions.push(...functions);
  }
}
