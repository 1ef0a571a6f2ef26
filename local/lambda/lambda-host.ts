import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import path from "node:path";
import { finished } from "node:stream/promises";
import { EmbeddedMetrics } from "./embedded-metrics.ts";
import type { InvocationResult } from "./function-error.ts";
import { type FunctionSpec, LambdaFunction } from "./lambda-function.ts";
import type { TimeOffset } from "./time-offset.ts";

export interface LambdaHostOptions {
  /** Gets one `<function>.log` each. */
  readonly logFolder: string;
  readonly onLine?: (functionName: string, line: string) => void;
  /** Numbers in [0, 1), for `kill`. */
  readonly random?: () => number;
  /** The clock of all threads; the machine's when left out. */
  readonly timeOffset?: TimeOffset;
  /** Called when a thread takes up an event, with the promise of what comes of it and the event as JSON text. */
  readonly onInvocation?: (functionName: string, result: Promise<InvocationResult>, event: string) => void;
}

/** All functions of a stack, by name. */
export class LambdaHost {
  readonly #options: LambdaHostOptions;
  readonly #functions = new Map<string, LambdaFunction>();
  readonly #logs: WriteStream[] = [];
  readonly #metrics = new EmbeddedMetrics();

  constructor(options: LambdaHostOptions) {
    this.#options = options;
    mkdirSync(options.logFolder, { recursive: true });
  }

  /** Adds a function. Its code is loaded with its first invocation. */
  add(spec: Omit<FunctionSpec, "onLine">): LambdaFunction {
    const { functionName } = spec;
    const log = createWriteStream(path.join(this.#options.logFolder, `${functionName}.log`), { flags: "a" });
    this.#logs.push(log);
    const onLine = (line: string): void => {
      if (!log.writableEnded) log.write(`${line}\n`);
      this.#metrics.read(line, functionName);
      this.#options.onLine?.(functionName, line);
    };
    const { timeOffset, onInvocation } = this.#options;
    const added = new LambdaFunction({
      ...spec,
      onLine,
      timeOffset: timeOffset?.buffer,
      onInvocation: (result, event) => onInvocation?.(functionName, result, event),
    });
    this.#functions.set(functionName, added);
    return added;
  }

  /** Takes a function's name or ARN, with or without a qualifier. Throws when there is none of that name. */
  find(nameOrArn: string): LambdaFunction {
    const name = /:function:([^:]+)/.exec(nameOrArn)?.[1] ?? nameOrArn.split(":")[0] ?? "";
    const found = this.#functions.get(name);
    if (found === undefined) throw new Error(`there is no function ${nameOrArn}`);
    return found;
  }

  get names(): readonly string[] {
    return [...this.#functions.keys()];
  }

  /** Invokes a function by name or ARN with an event given as JSON text. Rejects only when there is no such function. */
  async invoke(nameOrArn: string, event: string): Promise<InvocationResult> {
    return this.find(nameOrArn).invoke(event);
  }

  /** Ends the thread of a random invocation under way, in the middle; false when the function is idle. */
  kill(nameOrArn: string): Promise<boolean> {
    return this.find(nameOrArn).kill(this.#options.random ?? Math.random);
  }

  /** Invocations that run or wait, of all functions. */
  get activeCount(): number {
    return [...this.#functions.values()].reduce((sum, { activeCount }) => sum + activeCount, 0);
  }

  /** Invocations so far, of all functions. */
  get invocations(): number {
    return [...this.#functions.values()].reduce((sum, { invocations }) => sum + invocations, 0);
  }

  /** Sums of the metrics that the functions have printed, by `<service>/<metric>`. */
  metrics(): ReadonlyMap<string, number> {
    return this.#metrics.sums;
  }

  /** By function, the most bytes (heapUsed + external + arrayBuffers) that one of its threads has seen itself use. */
  peakBytes(): ReadonlyMap<string, number> {
    return new Map([...this.#functions].map(([name, { peakBytes }]) => [name, peakBytes]));
  }

  /** Ends all threads and closes the logs. */
  async stop(): Promise<void> {
    await Promise.all([...this.#functions.values()].map((each) => each.stop()));
    for (const log of this.#logs) log.end();
    await Promise.all(this.#logs.map((log) => finished(log)));
  }
}
