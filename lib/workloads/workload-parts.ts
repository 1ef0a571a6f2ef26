import type { StageParts } from "../stage-parts.ts";
import type { ObjectEvents } from "./object-events.ts";

/** What each workload is built on. */
export type WorkloadParts = StageParts & { readonly objectEvents: ObjectEvents };
