import { Environment, type EnvironmentSpec } from "./environment.ts";
import { failed, type InvocationResult, MAX_PAYLOAD_BYTES } from "./function-error.ts";

export interface FunctionSpec extends EnvironmentSpec {
  /** The most invocations that run at the same time; further ones wait for their turn. */
  readonly maxConcurrency: number;
}

/** A function and its execution environments: reused while warm, added on demand, replaced when they die. */
export class LambdaFunction {
  readonly name: string;
  readonly #spec: FunctionSpec;
  readonly #idle: Environment[] = [];
  readonly #environments = new Set<Environment>();
  readonly #waiting: (() => void)[] = [];
  #invocations = 0;
  #running = 0;
  #peakBytes = 0;
  #stopped = false;

  constructor(spec: FunctionSpec) {
    this.name = spec.functionName;
    this.#spec = spec;
  }

  get memoryMb(): number {
    return this.#spec.memoryMb;
  }

  /** Invocations that run or wait. */
  get activeCount(): number {
    return this.#running + this.#waiting.length;
  }

  /** Invocations so far, failed ones included. */
  get invocations(): number {
    return this.#invocations;
  }

  /** The most bytes that any of its threads has seen itself use. */
  get peakBytes(): number {
    return Math.max(this.#peakBytes, ...[...this.#environments].map((environment) => environment.peakBytes));
  }

  /** Runs one event, given as JSON text, under Lambda's payload limits. Never rejects. */
  async invoke(event: string): Promise<InvocationResult> {
    if (Buffer.byteLength(event) > MAX_PAYLOAD_BYTES) {
      return failed("RequestTooLargeException", `Request must be smaller than ${MAX_PAYLOAD_BYTES} bytes`);
    }
    this.#invocations += 1;
    await this.#takeSlot();
    try {
      if (this.#stopped) return failed("Sandbox.Stopped", "the host has stopped");
      return withinResponseLimit(await this.#run(event));
    } finally {
      this.#freeSlot();
    }
  }

  /** Ends the thread of one invocation under way, chosen by `random`; false when there is none. */
  async kill(random: () => number): Promise<boolean> {
    const busy = [...this.#environments].filter((environment) => environment.busy);
    const victim = busy[Math.floor(random() * busy.length)];
    await victim?.end("Runtime.ExitError", "Runtime exited with error: signal: killed");
    return victim !== undefined;
  }

  /** Ends all threads; invocations under way and those to come fail. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const ends = [...this.#environments].map((environment) =>
      environment.end("Sandbox.Stopped", "the host has stopped"),
    );
    await Promise.all(ends);
  }

  async #takeSlot(): Promise<void> {
    if (this.#running < this.#spec.maxConcurrency) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** A slot goes straight to the one that has waited longest, so that nobody who comes later gets between. */
  #freeSlot(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }

  async #run(event: string): Promise<InvocationResult> {
    const environment = this.#idle.pop() ?? this.#start();
    const result = await environment.invoke(event);
    if (environment.alive) this.#idle.push(environment);
    else this.#bury(environment);
    return result;
  }

  #start(): Environment {
    const environment = new Environment(this.#spec);
    this.#environments.add(environment);
    return environment;
  }

  #bury(environment: Environment): void {
    this.#peakBytes = this.peakBytes;
    this.#environments.delete(environment);
  }
}

function withinResponseLimit(result: InvocationResult): InvocationResult {
  if (result.kind === "failed" || Buffer.byteLength(result.payload) <= MAX_PAYLOAD_BYTES) return result;
  const limit = `maximum allowed payload size (${MAX_PAYLOAD_BYTES} bytes)`;
  return failed("Function.ResponseSizeTooLarge", `Response payload size exceeded ${limit}.`);
}
