import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import type { StageParts } from "../stage-parts.ts";
import { ObjectEvents } from "./object-events.ts";
import { PostCall } from "./post-call.ts";
import { ReIndex } from "./re-index.ts";
import type { WorkloadParts } from "./workload-parts.ts";
import { WorkloadStorage } from "./workload-storage.ts";

/** The workloads that the stage's settings switch on, each built on the job queues and the results of its jobs alone. */
export class Workloads extends Construct {
  /** What runs, for whoever watches it. */
  readonly functions: readonly IFunction[];

  constructor(scope: Construct, id: string, parts: StageParts) {
    super(scope, id);
    const { settings } = parts.stage;
    const workloadParts: WorkloadParts = {
      ...parts,
      objectEvents: new ObjectEvents(this, "ObjectEvents", { bucket: parts.storage.bucket }),
      workloadStorage: new WorkloadStorage(this, "Storage", settings),
    };
    const { workloads } = settings;
    const postCall = workloads.postCall ? new PostCall(this, "PostCall", workloadParts) : undefined;
    const reIndex = workloads.reIndex ? new ReIndex(this, "ReIndex", workloadParts) : undefined;
    this.functions = [...(postCall?.functions ?? []), ...(reIndex?.functions ?? [])];
  }
}
