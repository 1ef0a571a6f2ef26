import type { StageParts } from "../stage-parts.ts";
import type { ObjectEvents } from "./object-events.ts";
import type { WorkloadStorage } from "./workload-storage.ts";

/** What each workload is built on. */
export type WorkloadParts = StageParts & {
  readonly objectEvents: ObjectEvents;
  readonly workloadStorage: WorkloadStorage;
};
