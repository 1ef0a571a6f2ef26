/**
 * The two kinds of thrown failure. Each subclass has a literal `name`, which is what the state machines' Retry and
 * Catch match and what survives minification.
 */
export class RetryableError extends Error {
  override readonly name: string = "RetryableError";
}

/** Trying again would fail in the same way. */
export class TerminalError extends Error {
  override readonly name: string = "TerminalError";
}

/** Another worker holds the lease: come back after it ended. */
export class LeaseHeldError extends RetryableError {
  override readonly name = "LeaseHeldError";
}

/** The lease moved on while this worker slept; whoever holds it now finishes the work. */
export class FencedOffError extends RetryableError {
  override readonly name = "FencedOffError";
}

/** The provider knows no batch of that id: it was made a moment ago, or is there no longer. */
export class BatchNotFoundError extends RetryableError {
  override readonly name = "BatchNotFoundError";
}

/** Something that must be stored is not there: a bug or an operator's deletion, never a reason to go on. */
export class MissingRecordError extends TerminalError {
  override readonly name = "MissingRecordError";
}

/** A second, different value under a key that is written once. */
export class ConflictingRecordError extends TerminalError {
  override readonly name = "ConflictingRecordError";
}

/** A call was sent and no answer came: it may have run, and may have been billed. */
export class LostAnswerError extends RetryableError {
  override readonly name = "LostAnswerError";
}

/** The provider asked for a longer wait than a worker can keep: nothing was sent, and its message goes back to its queue. */
export class ProviderBusyError extends RetryableError {
  override readonly name = "ProviderBusyError";
}

/** A call could not be sent: it did not run, and nothing was billed. */
export class NotSentError extends RetryableError {
  override readonly name = "NotSentError";
}

/** The provider no longer has the output of a batch that it ran: deleted, archived, or never kept. */
export class ResultsGoneError extends TerminalError {
  override readonly name = "ResultsGoneError";
}

/** The provider refused a request for good (a 4xx that waiting does not cure); `code` is the provider's own word. */
export class ProviderRefusalError extends TerminalError {
  override readonly name = "ProviderRefusalError";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
