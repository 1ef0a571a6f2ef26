import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import type { EnvironmentData, EnvironmentReport, Invocation } from "./environment-message.ts";
import { environmentReportSchema, OUT_OF_MEMORY_EXIT } from "./environment-message.ts";
import { failed, type FunctionError, type InvocationResult } from "./function-error.ts";
import { LineSplitter } from "./line-splitter.ts";

export interface EnvironmentSpec extends Omit<EnvironmentData, "peak"> {
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly onLine: (line: string) => void;
  /** Called when the thread takes up an event. */
  readonly onInvocation?: (result: Promise<InvocationResult>, event: string) => void;
}

const BACKSTOP_MB = 256;

type State =
  | { readonly kind: "starting" | "idle" }
  | {
      readonly kind: "busy";
      readonly requestId: string;
      readonly resolve: (result: InvocationResult) => void;
    }
  /** `error` is what every later invocation would have met. */
  | { readonly kind: "dead"; readonly error: FunctionError };

/** One execution environment: a thread of its own with the function's module in it. Runs one invocation at a time. */
export class Environment {
  readonly #spec: EnvironmentSpec;
  readonly #worker: Worker;
  readonly #peak = new Float64Array(new SharedArrayBuffer(8));
  readonly #ready: Promise<void>;
  readonly #exited: Promise<void>;
  #started: () => void = () => undefined;
  #state: State = { kind: "starting" };
  /** Why the thread is being ended, when the host ends it. */
  #sentence: FunctionError | null = null;

  constructor(spec: EnvironmentSpec) {
    this.#spec = spec;
    const { codeFolder, handler, functionName, functionArn, memoryMb, timeOffset } = spec;
    const data: EnvironmentData = {
      codeFolder,
      handler,
      functionName,
      functionArn,
      memoryMb,
      timeOffset,
      peak: this.#peak.buffer,
    };
    this.#worker = new Worker(new URL("environment-worker.ts", import.meta.url), {
      workerData: data,
      env: { ...spec.env },
      // Nothing of the host's own flags: those of a test runner, for one, do not fit a function.
      execArgv: [],
      stdout: true,
      stderr: true,
      // The thread watches its own memory. V8's limit is only the backstop, for code that never lets it look: when V8
      // itself runs out, it now and then takes the whole process along.
      resourceLimits: { maxOldGenerationSizeMb: memoryMb + BACKSTOP_MB },
    });
    this.#ready = new Promise((resolve) => (this.#started = resolve));
    this.#exited = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
    this.#listen();
  }

  /** The most bytes (heapUsed + external + arrayBuffers) that the thread has seen itself use. */
  get peakBytes(): number {
    return this.#peak[0] ?? 0;
  }

  get alive(): boolean {
    return this.#state.kind !== "dead";
  }

  get busy(): boolean {
    return this.#state.kind === "busy";
  }

  /** Runs one event, given as JSON text. Never rejects; the environment may be dead afterwards. */
  async invoke(event: string): Promise<InvocationResult> {
    await this.#ready;
    if (this.#state.kind === "dead") return { kind: "failed", error: this.#state.error };
    const requestId = randomUUID();
    const { timeoutMs } = this.#spec;
    const timer = setTimeout(() => {
      const seconds = (timeoutMs / 1000).toFixed(2);
      void this.end(
        "Sandbox.Timedout",
        `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`,
      );
    }, timeoutMs);
    try {
      const result = new Promise<InvocationResult>((resolve) => {
        this.#state = { kind: "busy", requestId, resolve };
        const invocation: Invocation = { requestId, event, deadline: Date.now() + timeoutMs };
        this.#worker.postMessage(invocation, []);
      });
      this.#spec.onInvocation?.(result, event);
      return await result;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the thread at once, in the middle of whatever it does; an invocation under way fails with this error. */
  async end(errorType: string, errorMessage: string): Promise<void> {
    this.#sentence ??= { errorType, errorMessage };
    await this.#worker.terminate();
    await this.#exited;
  }

  #listen(): void {
    const lines = [this.#worker.stdout, this.#worker.stderr].map((stream) => {
      const splitter = new LineSplitter(this.#spec.onLine);
      stream.setEncoding("utf8").on("data", (chunk: string) => splitter.push(chunk));
      return splitter;
    });
    this.#worker.on("message", (message: unknown) => this.#hear(environmentReportSchema.parse(message)));
    this.#worker.on("error", (error) => (this.#sentence ??= describeCrash(error)));
    this.#worker.once("exit", (code) => {
      for (const splitter of lines) splitter.end();
      this.#die(this.#sentence ?? { errorType: "Runtime.ExitError", errorMessage: exitMessage(code) });
    });
  }

  #hear(report: EnvironmentReport): void {
    switch (report.kind) {
      case "ready":
        this.#state = { kind: "idle" };
        this.#started();
        break;
      case "init-failed":
        void this.end(report.error.errorType, report.error.errorMessage);
        break;
      case "succeeded":
      case "failed":
        this.#settle(report);
        break;
    }
  }

  #settle(result: InvocationResult): void {
    if (this.#state.kind !== "busy") return;
    const { resolve } = this.#state;
    this.#state = { kind: "idle" };
    resolve(result);
  }

  #die(error: FunctionError): void {
    const before = this.#state;
    this.#state = { kind: "dead", error };
    this.#started();
    if (before.kind === "busy") {
      before.resolve(failed(error.errorType, withRequestId(error.errorMessage, before.requestId)));
    }
  }
}

function withRequestId(message: string, requestId: string): string {
  return message.startsWith("RequestId:") ? message : `RequestId: ${requestId} Error: ${message}`;
}

function exitMessage(code: number): string {
  return code === OUT_OF_MEMORY_EXIT ? KILLED : `Runtime exited with error: exit status ${code}`;
}

/** What Lambda says when it ends a process that used up its memory. */
const KILLED = "Runtime exited with error: signal: killed";

function describeCrash(error: unknown): FunctionError {
  if (error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return { errorType: "Runtime.ExitError", errorMessage: KILLED };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { errorType: error instanceof Error ? error.name : "Runtime.ExitError", errorMessage: message };
}
