import type { SimulatorClock } from "./clock.ts";

/** How a simulator behaves. Everything has a default; all but `clock` can cross into a worker thread. */
export interface ProviderSimulatorOptions {
  /** The port on 127.0.0.1; 0 (the default) takes a free one. */
  readonly port?: number;
  /** Decides durations, shuffling and ids. */
  readonly seed?: string;
  /** Divides every duration: batch phases, the completion window, cache lifetimes. Default 1. */
  readonly speed?: number;
  /** The whole length of every batch in seconds, in place of a drawn one; `speed` has no effect on it. */
  readonly batchSeconds?: number;
  /** How long a direct call takes, in milliseconds; `speed` has no effect on it. Default 0. */
  readonly directLatencyMs?: number;
  /** How long a call of the flex tier takes, in seconds, drawn evenly between the two; divided by `speed`. Default 10 to 600. */
  readonly flexSeconds?: readonly [least: number, most: number];
  /** The share of calls of the flex tier that are refused for want of capacity. Default 0.3. */
  readonly flexRefusedShare?: number;
  /** Prompt tokens that may wait in open OpenAI batches, per account, by model id. Default: no limit. */
  readonly enqueuedTokenLimits?: Readonly<Record<string, number>>;
  /** Seconds for which the tokens of a failed OpenAI batch still count against that limit; divided by `speed`. Default 0. */
  readonly failedTokenHoldSeconds?: number;
  /** Batches that an OpenAI account may create in an hour. Default 2,000. */
  readonly batchesPerHour?: number;
  /** Default: the system's clock. */
  readonly clock?: SimulatorClock;
}
