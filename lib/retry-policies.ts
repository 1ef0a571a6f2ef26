import { Duration } from "aws-cdk-lib";
import { Errors, JitterType, type RetryProps } from "aws-cdk-lib/aws-stepfunctions";
import {
  BatchNotFoundError,
  ConflictingRecordError,
  FencedOffError,
  LeaseHeldError,
  LostAnswerError,
  NotSentError,
  ProviderBusyError,
  MissingRecordError,
  ProviderRefusalError,
  ResultsGoneError,
  RetryableError,
  TerminalError,
} from "../lambdas/domain/failures.ts";

// Lambda reports a thrown error under its `name`, and Retry compares names: it knows no subclasses, so each is listed.
const namesOf = (failures: readonly Error[]) => failures.map((failure) => failure.name);

/** What another try may cure. */
export const RETRYABLE_NAMES = namesOf([
  new RetryableError(),
  new LeaseHeldError(),
  new FencedOffError(),
  new LostAnswerError(),
  new NotSentError(),
  new ProviderBusyError(),
  new BatchNotFoundError(),
]);

/** What every try would meet again. */
export const TERMINAL_NAMES = namesOf([
  new TerminalError(),
  new MissingRecordError(),
  new ConflictingRecordError(),
  new ResultsGoneError(),
  new ProviderRefusalError("", ""),
]);

/** Lambda's own failures and its throttling. */
const LAMBDA_NAMES = [
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "Lambda.ClientExecutionTimeoutException",
  "Lambda.TooManyRequestsException",
];

/** The longest of the leases that a worker who died may have left behind is over within these attempts' waits. */
const PATIENT_ATTEMPTS = 60;
const ORDINARY_ATTEMPTS = 12;

/** Waits are drawn from zero to a bound that doubles, so that many executions do not come back together. */
const SPREAD = {
  backoffRate: 2,
  maxDelay: Duration.minutes(5),
  jitterStrategy: JitterType.FULL,
} as const;

/** For a call that has no failures of our own. */
export const SPREAD_RETRY: RetryProps = {
  errors: [Errors.ALL],
  interval: Duration.seconds(5),
  maxAttempts: 4,
  ...SPREAD,
};

/**
 * Retries of a function's task, to be added in this order: none for what is terminal, many for what passes, and a few
 * for everything else, such as a time-out or a bug that only some input shows.
 */
export function retriesOf(patience: "ordinary" | "patient"): RetryProps[] {
  return [
    { errors: TERMINAL_NAMES, maxAttempts: 0 },
    {
      errors: [...RETRYABLE_NAMES, ...LAMBDA_NAMES],
      interval: Duration.seconds(2),
      maxAttempts: patience === "patient" ? PATIENT_ATTEMPTS : ORDINARY_ATTEMPTS,
      ...SPREAD,
    },
    SPREAD_RETRY,
  ];
}
