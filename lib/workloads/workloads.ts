import { Construct } from "constructs";
import type { StageParts } from "../stage-parts.ts";
import { ObjectEvents } from "./object-events.ts";
import type { WorkloadParts } from "./workload-parts.ts";

/** The workloads that the stage's settings switch on, each built on the job queues and the results of its jobs alone. */
export class Workloads extends Construct {
  constructor(scope: Construct, id: string, parts: StageParts) {
    super(scope, id);
    const objectEvents = new ObjectEvents(this, "ObjectEvents", { bucket: parts.storage.bucket });
    const workloadParts: WorkloadParts = { ...parts, objectEvents };
    void workloadParts;
  }
}
