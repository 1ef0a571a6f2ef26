import { Duration } from "aws-cdk-lib";

type FunctionLimits = { readonly memoryMiB: number; readonly timeout: Duration };

/**
 * Every function of the gateway, by construct id: the folder's name in Pascal case. All stream what is large, so memory
 * buys processor share, not room: workers hold under 256 MB. Those that move whole batches get Lambda's longest time.
 */
const FUNCTION_LIMITS = {
  // Below the 6 minutes after which freeze-window takes an admission for dead.
  AdmitJobs: { memoryMiB: 512, timeout: Duration.minutes(5) },
  // Below the 200 seconds of the lease on a direct job.
  RunJob: { memoryMiB: 512, timeout: Duration.minutes(3) },
  // One call of up to 12 minutes, and those that follow when it fails. Below the 930 seconds of its lease.
  RunFlex: { memoryMiB: 512, timeout: Duration.minutes(15) },
  // Below the 5 minutes for which a letter that was received is hidden.
  RetryDeadLetters: { memoryMiB: 256, timeout: Duration.minutes(4) },
  // Below the 200 seconds after which another run takes up what a dead one moved.
  EscalateJobs: { memoryMiB: 512, timeout: Duration.minutes(3) },
  FreezeWindow: { memoryMiB: 512, timeout: Duration.minutes(5) },
  PlanWindow: { memoryMiB: 512, timeout: Duration.minutes(5) },
  WriteBatch: { memoryMiB: 512, timeout: Duration.minutes(15) },
  CloseWindow: { memoryMiB: 256, timeout: Duration.minutes(2) },
  SubmitBatch: { memoryMiB: 512, timeout: Duration.minutes(15) },
  PollBatch: { memoryMiB: 256, timeout: Duration.minutes(1) },
  CollectResults: { memoryMiB: 512, timeout: Duration.minutes(15) },
  SettlePart: { memoryMiB: 512, timeout: Duration.minutes(5) },
  CloseBatch: { memoryMiB: 256, timeout: Duration.minutes(1) },
  // Reads every line of some days' batches: so much memory comes with a whole processor.
  ReconcileBatches: { memoryMiB: 1769, timeout: Duration.minutes(15) },
  // A batch that was left behind may have to be read through to be recognised.
  SweepLeftovers: { memoryMiB: 512, timeout: Duration.minutes(10) },
  DeliverResults: { memoryMiB: 512, timeout: Duration.minutes(2) },
} as const satisfies Record<string, FunctionLimits>;

/** The functions of the workloads that a stage may have. */
const WORKLOAD_FUNCTION_LIMITS = {
  // Splits documents: so much memory comes with a whole processor.
  TakeDocuments: { memoryMiB: 1769, timeout: Duration.minutes(5) },
  TakeEmbeddings: { memoryMiB: 512, timeout: Duration.minutes(5) },
  CheckKnowledge: { memoryMiB: 256, timeout: Duration.minutes(5) },
  // An object of an inbox holds thousands of calls; six times this is how long its message stays hidden.
  TakeTranscripts: { memoryMiB: 512, timeout: Duration.minutes(5) },
  TakeAnalyses: { memoryMiB: 512, timeout: Duration.minutes(5) },
  FindLeadRuns: { memoryMiB: 256, timeout: Duration.minutes(2) },
  // A tenant's day may be tens of thousands of leads.
  ScoreLeads: { memoryMiB: 512, timeout: Duration.minutes(15) },
  CheckLeads: { memoryMiB: 256, timeout: Duration.minutes(2) },
  DraftLeads: { memoryMiB: 512, timeout: Duration.minutes(15) },
  RenderDrafts: { memoryMiB: 512, timeout: Duration.minutes(15) },
  // Six times as long is less than WORKLOAD_VISIBILITY.
  TakeLeadAnswers: { memoryMiB: 256, timeout: Duration.minutes(2) },
} as const satisfies Record<string, FunctionLimits>;

export type GatewayFunctionId = keyof typeof FUNCTION_LIMITS;
export type FunctionId = GatewayFunctionId | keyof typeof WORKLOAD_FUNCTION_LIMITS;

const ALL_LIMITS: Readonly<Record<FunctionId, FunctionLimits>> = {
  ...FUNCTION_LIMITS,
  ...WORKLOAD_FUNCTION_LIMITS,
};

/** Those that every stage has. */
export const GATEWAY_FUNCTION_IDS = Object.keys(FUNCTION_LIMITS) as GatewayFunctionId[];

export const FUNCTION_IDS = Object.keys(ALL_LIMITS) as FunctionId[];

export function limitsOf(id: FunctionId): FunctionLimits {
  return ALL_LIMITS[id];
}

/** `SubmitBatch` → `submit-batch`: the folder under lambdas/ and the name of the metric service. */
export function folderOf(id: FunctionId): string {
  return id.replaceAll(/(?<=[a-z])[A-Z]/g, "-$&").toLowerCase();
}

/**
 * For messages that somebody waits for: when their worker dies they show again as soon as its lease is over. Lambda
 * advises six times the timeout against its own throttling; here a message that comes too early meets the lease.
 */
export const URGENT_VISIBILITY = Duration.seconds(240);

/** For what a workload's function takes: longer than any of them runs. */
export const WORKLOAD_VISIBILITY = Duration.minutes(30);

/** As above, for the calls of the flex lane, whose leases are longer. */
export const FLEX_VISIBILITY = Duration.seconds(960);

/**
 * How long a message stays hidden from others once a function received it: six times the function's timeout and the
 * time it was gathered for, as Lambda advises, so that no worker meets a message that another still holds.
 */
export function visibilityFor(id: FunctionId, gatheringSeconds = 0): Duration {
  return Duration.seconds(limitsOf(id).timeout.toSeconds() * 6 + gatheringSeconds);
}
