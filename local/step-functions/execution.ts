import type { History } from "./history.ts";
import type { Json } from "./json.ts";
import { toStatesError } from "./states-error.ts";

/** How an execution ended. */
export type ExecutionResult =
  | { readonly status: "SUCCEEDED"; readonly output: Json }
  | { readonly status: "FAILED" | "ABORTED" | "TIMED_OUT"; readonly error: string; readonly cause: string };

const LAST_EVENT = {
  SUCCEEDED: "ExecutionSucceeded",
  FAILED: "ExecutionFailed",
  ABORTED: "ExecutionAborted",
  TIMED_OUT: "ExecutionTimedOut",
} as const;

/** The reason with which an execution's signal aborts: how it is to end. */
class EndedEarly extends Error {
  override readonly name = "EndedEarly";
  readonly result: ExecutionResult & { readonly status: "ABORTED" | "TIMED_OUT" };

  constructor(status: "ABORTED" | "TIMED_OUT", error: string, cause: string) {
    super(`${status}: ${error} ${cause}`);
    this.result = { status, error, cause };
  }
}

export interface ExecutionDetails {
  readonly arn: string;
  readonly name: string;
  readonly input: Json;
  /** Milliseconds since the epoch, by the machine's clock. */
  readonly startedAt: number;
  readonly history: History;
}

/** One run of a state machine. */
export class Execution {
  readonly arn: string;
  readonly name: string;
  readonly input: Json;
  readonly startedAt: number;
  readonly history: History;
  /** Never rejects. */
  readonly result: Promise<ExecutionResult>;
  /** Milliseconds since the epoch, by the machine's clock; null while it runs. */
  endedAt: number | null = null;
  #ended: ExecutionResult | null = null;
  readonly #controller = new AbortController();

  /** Begins `work`, which resolves to the output, at once; `now` reads the machine's clock. */
  constructor(details: ExecutionDetails, work: (signal: AbortSignal) => Promise<Json>, now: () => number) {
    this.arn = details.arn;
    this.name = details.name;
    this.input = details.input;
    this.startedAt = details.startedAt;
    this.history = details.history;
    this.result = this.#run(work, now);
  }

  get status(): ExecutionResult["status"] | "RUNNING" {
    return this.#ended?.status ?? "RUNNING";
  }

  /** How it ended; null while it runs. */
  get ended(): ExecutionResult | null {
    return this.#ended;
  }

  /** Ends the execution as ABORTED; nothing happens when it has ended already. Calls under way are left alone. */
  stop(error = "", cause = ""): void {
    this.#controller.abort(new EndedEarly("ABORTED", error, cause));
  }

  /** Ends the execution as TIMED_OUT. */
  timeOut(): void {
    this.#controller.abort(new EndedEarly("TIMED_OUT", "States.Timeout", "The execution timed out."));
  }

  async #run(work: (signal: AbortSignal) => Promise<Json>, now: () => number): Promise<ExecutionResult> {
    const result = await settle(work(this.#controller.signal));
    this.endedAt = now();
    this.#ended = result;
    this.history.end(LAST_EVENT[result.status], result.status === "SUCCEEDED" ? undefined : result.error);
    return result;
  }
}

async function settle(output: Promise<Json>): Promise<ExecutionResult> {
  try {
    return { status: "SUCCEEDED", output: await output };
  } catch (thrown) {
    if (thrown instanceof EndedEarly) return thrown.result;
    const { Error: error, Cause: cause } = toStatesError(thrown).errorOutput;
    return { status: "FAILED", error, cause };
  }
}
