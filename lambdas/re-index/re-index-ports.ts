import type { ObjectStore, Runtime, Tenants } from "../ports.ts";
import type { VectorCache } from "../vector-cache.ts";
import type { VectorIndex } from "../vector-index.ts";
import type { WorkloadRecords } from "../workload-records.ts";

/** What the functions of re-indexing share. */
export type ReIndexPorts = {
  readonly objects: ObjectStore;
  readonly tenants: Tenants;
  readonly records: WorkloadRecords;
  readonly vectors: VectorCache;
  /** Where the stage has one: versions are put there too, before any manifest names them. */
  readonly vectorIndex?: VectorIndex;
  readonly runtime: Runtime;
};
