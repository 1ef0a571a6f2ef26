import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import type { StageParts } from "../stage-parts.ts";
import { ObjectEvents } from "./object-events.ts";
import { PostCall } from "./post-call.ts";
import type { WorkloadParts } from "./workload-parts.ts";

/** The workloads that the stage's settings switch on, each built on the job queues and the results of its jobs alone. */
export class Workloads extends Construct {
  /** What runs, for whoever watches it. */
  readonly functions: readonly IFunction[];

  constructor(scope: Construct, id: string, parts: StageParts) {
    super(scope, id);
    const objectEvents = new ObjectEvents(this, "ObjectEvents", { bucket: parts.storage.bucket });
    const workloadParts: WorkloadParts = { ...parts, objectEvents };
    const { workloads } = parts.stage.settings;
    const postCall = workloads.postCall ? new PostCall(this, "PostCall", workloadParts) : undefined;
    this.functions = [...(postCall?.functions ?? [])];
  }
}
