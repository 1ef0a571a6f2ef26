import { Construct } from "constructs";
import type { StageParts } from "../stage-parts.ts";
import { LeadScoring } from "./lead-scoring.ts";
import { ObjectEvents } from "./object-events.ts";
import type { WorkloadParts } from "./workload-parts.ts";
import { WorkloadStorage } from "./workload-storage.ts";

/** The workloads that the stage's settings switch on, each built on the job queues and the results of its jobs alone. */
export class Workloads extends Construct {
  constructor(scope: Construct, id: string, parts: StageParts) {
    super(scope, id);
    const { workloads } = parts.stage.settings;
    const workloadParts: WorkloadParts = {
      ...parts,
      objectEvents: new ObjectEvents(this, "ObjectEvents", { bucket: parts.storage.bucket }),
      workloadStorage: new WorkloadStorage(this, "Storage", parts.stage.settings),
    };
    if (workloads.leadScoring) new LeadScoring(this, "LeadScoring", workloadParts);
  }
}
