import type { TenantWays } from "../deliver-results/deliver-results.ts";
import type { FlexAgain } from "../domain/flex-again.ts";
import type { JobRecord, Source } from "../domain/job-record.ts";
import type { DirectLane, Provider, Tier } from "../domain/vocabulary.ts";
import type {
  DeadLetterQueues,
  DeliveryQueue,
  DirectProvider,
  JobMap,
  Ledger,
  ObjectStore,
  RunQueue,
  Runtime,
} from "../ports.ts";
import type { RateGate } from "./rate-gate.ts";

/** What is told of a job that was run, for the metrics; never any content. */
type RunFigures = {
  readonly tier: Tier;
  /** Milliseconds from the begin of the work to the result on its way, without those spent waiting for the provider. */
  readonly overheadMs: number;
};

/** A call that had to wait until after its job's due time, since the provider asked for it. */
type DelayedCall = { readonly tenantId: string; readonly jobId: string; readonly waitedMs: number };

export type RunPorts = {
  readonly objects: ObjectStore;
  readonly jobs: JobMap;
  readonly ledger: Ledger;
  readonly deliveries: DeliveryQueue;
  /** For results that go straight to their tenants' queues; without it, all go by way of the deliveries queue. */
  readonly straight?: TenantWays;
  readonly deadLetters: DeadLetterQueues;
  readonly direct: (provider: Provider) => Promise<DirectProvider>;
  readonly runtime: Runtime;
  /** Where jobs go on that the flex lane could not take; without it, its worker calls for them in sync itself. */
  readonly syncRuns?: RunQueue;
  /** Shared by all the calls of a process; without it, each job keeps only to what its own calls were told. */
  readonly gate?: RateGate;
  /** A signal that is given after so many milliseconds; without it, by the machine's own clock. */
  readonly timeout?: (duration: number) => AbortSignal;
  readonly tell?: {
    readonly ran?: (figures: RunFigures) => void;
    readonly delayed?: (call: DelayedCall) => void;
    /** Of a result that could not go straight to its tenant's queue, and goes by way of the deliveries queue. */
    readonly detoured?: (result: {
      readonly tenantId: string;
      readonly jobId: string;
      readonly error: unknown;
    }) => void;
  };
};

/** How long a worker may take. All in milliseconds but the share. */
export type DirectSettings = {
  /** Longer than the function may run: a lease ends by itself only when its holder is dead. */
  readonly leaseMs: number;
  /** No call is begun that might not be over this long after the work on its message began. */
  readonly workMs: number;
  /** After this long a call counts as unanswered. */
  readonly callMs: Readonly<Record<DirectLane, number>>;
  /**
   * When a critical job's call is doubled: after this share of the time between the call's begin and the job's due time.
   * 0: never.
   */
  readonly hedgeShare: number;
  readonly flexAgain?: FlexAgain;
};

/** Longer than RunJob may run. */
export const RUN_LEASE_MS = 200_000;

/** Three calls and what is around them fit into RunJob's time. */
export const DIRECT_SETTINGS: DirectSettings = {
  leaseMs: RUN_LEASE_MS,
  workMs: 170_000,
  callMs: { sync: 55_000, flex: 55_000 },
  hedgeShare: 0,
};

/** A lane, and why the job is called in it, in words the operator reads. */
export type LaneChoice = { readonly lane: DirectLane; readonly reason: string };

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
  /** Where the first call is made; the next ones are made at once. */
  readonly choice: LaneChoice;
};

/** The work on one job by one worker. */
export type DirectRun = {
  readonly work: DirectWork;
  readonly ports: RunPorts;
  readonly settings: DirectSettings;
  readonly gate: RateGate;
  /** Names the worker in the job's lease. */
  readonly owner: string;
  readonly began: number;
};
