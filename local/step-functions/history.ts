import type { Clock } from "./clock.ts";
import { MAX_HISTORY_EVENTS } from "./limits.ts";
import { StatesError } from "./states-error.ts";

export interface HistoryEvent {
  /** From 1, without gaps. */
  readonly id: number;
  /** Milliseconds since the epoch, by the machine's clock. */
  readonly timestamp: number;
  /** AWS's event type, for example `TaskStateEntered`. */
  readonly type: string;
  readonly state?: string;
  readonly error?: string;
}

/** What happened in one execution, event for event as AWS counts them, within its limit. */
export class History {
  readonly events: HistoryEvent[] = [];
  /** States entered, each retry once more: what Step Functions bills. */
  transitions = 0;
  readonly #clock: Clock;
  readonly #listener: (event: HistoryEvent) => void;

  constructor(clock: Clock, listener: (event: HistoryEvent) => void) {
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Throws `States.Runtime` when only the execution's last event would still fit. */
  add(type: string, details: { readonly state?: string; readonly error?: string } = {}): void {
    if (this.events.length >= MAX_HISTORY_EVENTS - 1) {
      throw new StatesError(
        "States.Runtime",
        `The execution reached the maximum number of history events (${MAX_HISTORY_EVENTS}).`,
      );
    }
    this.#push(type, details);
  }

  /** The execution's last event, for which there is always room. */
  end(type: string, error?: string): void {
    this.#push(type, error === undefined ? {} : { error });
  }

  #push(type: string, details: { readonly state?: string; readonly error?: string }): void {
    const event = { id: this.events.length + 1, timestamp: this.#clock.now(), type, ...details };
    this.events.push(event);
    this.#listener(event);
  }
}
