import type { QueueUrls } from "../../client/queue-urls.ts";

/** What the tenants' thread is started with. */
export type TrafficData = {
  readonly endpoint: string;
  readonly region: string;
  readonly queueUrls: QueueUrls;
  /** The URL of each tenant's results queue. */
  readonly resultQueues: readonly string[];
  readonly lowPerSecond: number;
};

/** What the thread is told to do. */
export type TrafficOrder =
  /** Send critical jobs at these times, in milliseconds from now, under keys that begin with `name`. */
  | { readonly kind: "critical"; readonly name: string; readonly arrivals: readonly number[] }
  | { readonly kind: "start-low" }
  | { readonly kind: "stop-low" };

export type SentJob = {
  readonly key: string;
  /** Just before the app called SQS, in milliseconds since the epoch. */
  readonly sentAt: number;
  /** Null when SQS did not take it. */
  readonly messageId: string | null;
  /** Milliseconds by which the app was behind its plan. */
  readonly lateMs: number;
};

export type SeenAnswer = {
  readonly key: string;
  readonly status: string;
  /** When the tenant's queue took the result, as the queue says, in milliseconds since the epoch. */
  readonly queuedAt: number;
};

/** What the thread tells. `sent` ends an order to send, with what became of it. */
export type TrafficReport =
  | { readonly kind: "sent"; readonly name: string; readonly jobs: readonly SentJob[] }
  | { readonly kind: "answers"; readonly answers: readonly SeenAnswer[] }
  | { readonly kind: "low-stopped"; readonly taken: number; readonly refused: number }
  | { readonly kind: "failed"; readonly reason: string };
