import { randomUUID } from "node:crypto";
import type { Clock } from "./clock.ts";
import { type Definition, parseDefinition } from "./definition.ts";
import { Execution } from "./execution.ts";
import { History, type HistoryEvent } from "./history.ts";
import { runMachine } from "./interpreter.ts";
import { type Json, jsonBytes } from "./json.ts";
import { jsonataFunctions } from "./jsonata-functions.ts";
import { MAX_PAYLOAD_BYTES, NAME_TAKEN_MS } from "./limits.ts";
import { compileProgram, type Program } from "./program.ts";
import type { TaskServices } from "./task-resource.ts";

export interface StateMachineOptions {
  /** `arn:<partition>:states:<region>:<account>:stateMachine:<name>` */
  readonly arn: string;
  readonly clock: Clock;
  readonly services: TaskServices;
  readonly roleArn?: string;
  /** Divides Wait seconds and retry delays, not timeouts nor timestamps; 1 by default. */
  readonly speed?: number;
  /** Numbers in [0, 1) for jitter, `$random` and `$uuid`; Math.random by default. */
  readonly random?: () => number;
  /** Called for each event as it is recorded: a simulation may crash its world there, but must not throw. */
  readonly onEvent?: (event: HistoryEvent, executionName: string) => void;
}

/** An execution that was not started; `name` is the API's error name. */
export class StartRefusedError extends Error {
  override readonly name: "ExecutionAlreadyExists" | "InvalidExecutionInput" | "InvalidName";

  constructor(name: StartRefusedError["name"], message: string) {
    super(message);
    this.name = name;
  }
}

const EXECUTION_NAME = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]{1,80}$/u;

/** A Standard state machine with JSONata states, and its executions. */
export class StateMachine {
  readonly arn: string;
  readonly name: string;
  readonly #definition: Definition;
  readonly #program: Program;
  readonly #options: StateMachineOptions;
  readonly #executions = new Map<string, Execution>();
  readonly #running = new Set<Execution>();
  #endedTransitions = 0;

  private constructor(definition: Definition, options: StateMachineOptions) {
    this.arn = options.arn;
    this.name = options.arn.slice(options.arn.lastIndexOf(":") + 1);
    this.#definition = definition;
    this.#program = compileProgram(definition);
    this.#options = options;
  }

  /** Takes a definition as JSON text or object. Throws when anything in it is unknown or does not compile. */
  static load(definition: unknown, options: StateMachineOptions): StateMachine {
    return new StateMachine(parseDefinition(definition), options);
  }

  /**
   * Starts an execution; without a name it gets a random one. A running execution of the same name and input is
   * returned as it is. Throws StartRefusedError when the name is taken (for 90 days after the end) or not allowed,
   * or the input too large.
   */
  startExecution(request: { readonly name?: string | undefined; readonly input: Json }): Execution {
    const name = request.name ?? randomUUID();
    if (!EXECUTION_NAME.test(name)) throw new StartRefusedError("InvalidName", `Invalid Name: '${name}'`);
    if (jsonBytes(request.input) > MAX_PAYLOAD_BYTES) {
      throw new StartRefusedError("InvalidExecutionInput", "The input exceeds the maximum number of bytes.");
    }
    const taken = this.#holderOf(name);
    if (taken === null) return this.#start(name, request.input);
    if (taken.status === "RUNNING" && JSON.stringify(taken.input) === JSON.stringify(request.input))
      return taken;
    throw new StartRefusedError("ExecutionAlreadyExists", `Execution Already Exists: '${taken.arn}'`);
  }

  /** All executions whose names are still taken, in the order they started. */
  get executions(): readonly Execution[] {
    return [...this.#executions.values()];
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** State transitions of all executions so far, retries included. */
  get transitions(): number {
    return [...this.#running].reduce((sum, { history }) => sum + history.transitions, this.#endedTransitions);
  }

  /** Aborts what runs and waits until it has ended. */
  async stop(): Promise<void> {
    const running = [...this.#running];
    for (const execution of running) execution.stop("", "the state machine was stopped");
    await Promise.all(running.map(({ result }) => result));
  }

  #holderOf(name: string): Execution | null {
    const holder = this.#executions.get(name);
    if (holder === undefined) return null;
    if (holder.endedAt === null || this.#options.clock.now() - holder.endedAt < NAME_TAKEN_MS) return holder;
    this.#executions.delete(name);
    return null;
  }

  #start(name: string, input: Json): Execution {
    const { clock, onEvent } = this.#options;
    const arn = `${this.arn.replace(":stateMachine:", ":execution:")}:${name}`;
    const history = new History(clock, (event) => onEvent?.(event, name));
    const startedAt = clock.now();
    const execution = new Execution(
      { arn, name, input, startedAt, history },
      (signal) => this.#run({ arn, name, input, startedAt, history }, signal),
      () => clock.now(),
    );
    this.#executions.set(name, execution);
    this.#running.add(execution);
    void this.#watch(execution);
    return execution;
  }

  async #run(
    details: Pick<Execution, "arn" | "name" | "input" | "startedAt" | "history">,
    signal: AbortSignal,
  ): Promise<Json> {
    const { clock, services, speed = 1, random = Math.random, roleArn = "" } = this.#options;
    const { arn, name, input, startedAt, history } = details;
    history.add("ExecutionStarted");
    const context = {
      Execution: {
        Id: arn,
        Input: input,
        Name: name,
        RoleArn: roleArn,
        StartTime: new Date(startedAt).toISOString(),
        RedriveCount: 0,
      },
      StateMachine: { Id: this.arn, Name: this.name },
    };
    const functions = jsonataFunctions({ clock, random });
    const run = { clock, random, services, speed, history, functions, context };
    return runMachine(run, this.#program, input, signal);
  }

  async #watch(execution: Execution): Promise<void> {
    const { TimeoutSeconds } = this.#definition;
    if (TimeoutSeconds !== undefined) this.#timeOut(execution, TimeoutSeconds);
    await execution.result;
    this.#running.delete(execution);
    this.#endedTransitions += execution.history.transitions;
  }

  #timeOut(execution: Execution, seconds: number): void {
    const ended = new AbortController();
    void execution.result.then(() => ended.abort());
    this.#options.clock.sleep(seconds * 1000, ended.signal).then(
      () => execution.timeOut(),
      () => undefined,
    );
  }
}
