import type { JobRecord, Source } from "../domain/job-record.ts";
import type { Provider } from "../domain/vocabulary.ts";
import type {
  DeadLetterQueues,
  DeliveryQueue,
  DirectProvider,
  JobMap,
  Ledger,
  ObjectStore,
  Runtime,
} from "../ports.ts";

export type RunPorts = {
  readonly objects: ObjectStore;
  readonly jobs: JobMap;
  readonly ledger: Ledger;
  readonly deliveries: DeliveryQueue;
  readonly deadLetters: DeadLetterQueues;
  readonly direct: (provider: Provider) => Promise<DirectProvider>;
  readonly runtime: Runtime;
};

/** A job to call the provider for, now. */
export type DirectWork = {
  readonly record: JobRecord;
  /** The message that asks, for a job that came by one; its redelivery takes the job over when this worker dies. */
  readonly messageId: string | null;
  /** Where the request lies, for a job that is stored already. */
  readonly source: Source | null;
  readonly retry: boolean;
  /** The attempt that a run request is for; null when any will do. */
  readonly attempt: number | null;
  /** A dead letter's last chance: when it fails again the job ends. */
  readonly last: boolean;
};
