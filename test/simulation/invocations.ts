import type { Json } from "../../local/step-functions/json.ts";
import { StatesError } from "../../local/step-functions/states-error.ts";
import type { FunctionId } from "../../lib/function-limits.ts";
import { FUNCTIONS, type FunctionSettings, type WorkerPorts } from "./functions.ts";
import type { JobTries } from "./job-tries.ts";
import type { PortFaults } from "./port-faults.ts";
import type { Random } from "./random.ts";
import { HOUR, SECOND, type SimulationClock } from "./simulation-clock.ts";
import type { Stage } from "./stage.ts";
import type { Tally } from "./tally.ts";
import type { Trace } from "./trace.ts";
import type { Violations } from "./violations.ts";
import { Worker } from "./worker.ts";

/** How often Lambda itself refuses, starts a call twice, or starts an old one again. */
const THROTTLED = 0.004;
const TWICE = 0.02;
const AGAIN_LATER = 0.015;

/** Errors that nothing ordinary throws: each is a bug, whatever became of the job. */
const BUGS: ReadonlySet<string> = new Set([
  "TypeError",
  "ReferenceError",
  "RangeError",
  "SyntaxError",
  "ZodError",
  "Error",
  "ConflictingRecordError",
]);

/**
 * Functions that must not live on: a direct call is its provider's alone, where nothing can be fenced off, and a segment is
 * taken for abandoned by its age. Both rely on Lambda, which ends a function before that. Everywhere else writes are
 * fenced or may be repeated, and a worker that has stalled goes on after its time.
 */
const ENDED_IN_TIME: ReadonlySet<FunctionId> = new Set(["RunJob", "AdmitJobs"]);

export type InvocationWorld = {
  readonly stage: Stage;
  readonly clock: SimulationClock;
  readonly random: Random;
  readonly faults: PortFaults;
  readonly tally: Tally;
  readonly trace: Trace;
  readonly violations: Violations;
  readonly settings: FunctionSettings;
  readonly tries: JobTries;
  readonly portsOf: (worker: Worker) => WorkerPorts;
};

/** Lambda: runs the functions, each call by a worker of its own. */
export class Invocations {
  readonly #world: InvocationWorld;
  #serial = 0;
  #running = 0;

  constructor(world: InvocationWorld) {
    this.#world = world;
  }

  get running(): number {
    return this.#running;
  }

  /** Calls a function as Step Functions, a queue or a schedule does; rejects with a StatesError. */
  async invoke(functionId: FunctionId, event: Json): Promise<Json> {
    const { random, faults, tally, clock } = this.#world;
    if (!faults.calm && random.chance(THROTTLED)) {
      tally.add("faults", "function throttled by Lambda");
      throw new StatesError("Lambda.TooManyRequestsException", "Rate exceeded");
    }
    if (!faults.calm && random.chance(TWICE)) {
      tally.add("faults", "function called twice at once");
      this.#aside(functionId, event);
    }
    // What a queue gives again, it gives until it is done: its own late copies are the queue's to make.
    const again = random.chance(AGAIN_LATER) && !isQueueEvent(event);
    if (!faults.calm && again) {
      const hours = random.chance(0.1) ? 40 : 4;
      clock.after(random.between(SECOND, hours * HOUR), () => {
        tally.add("faults", "old call run again later");
        this.#aside(functionId, event);
      });
    }
    return this.#run(functionId, event);
  }

  /** A call whose answer nobody waits for. */
  #aside(functionId: FunctionId, event: Json): void {
    this.#run(functionId, event).catch(() => {});
  }

  async #run(functionId: FunctionId, event: Json): Promise<Json> {
    const { clock, faults, trace, tally, tries, settings, portsOf } = this.#world;
    const worker = new Worker(`${functionId}#${(this.#serial += 1)}`, functionId, {
      clock,
      faults,
      trace,
      tries,
    });
    if (trace.on) trace.add(clock.now(), worker.id, "called with", event);
    this.#running += 1;
    tally.add("invocations", functionId);
    const timeOut = this.#timeOut(worker, functionId);
    try {
      const work = Promise.resolve(FUNCTIONS[functionId](event, portsOf(worker), settings));
      work.catch((error: unknown) => this.#look(worker, error));
      const result = await Promise.race([work, worker.died, timeOut.over]);
      if (trace.on) trace.add(clock.now(), worker.id, "answered", result);
      return (result ?? null) as Json;
    } catch (error) {
      if (trace.on) trace.add(clock.now(), worker.id, `failed: ${String(error)}`, event);
      throw statesError(error);
    } finally {
      this.#running -= 1;
      timeOut.cancel();
    }
  }

  /** When its time is up, a worker ends where it stands, or, having stalled, is given up and goes on all the same. */
  #timeOut(worker: Worker, functionId: FunctionId) {
    const { stage, clock, tally } = this.#world;
    let cancel = () => {};
    const over = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(stage.timeoutMs[functionId] ?? HOUR, () => {
        const goesOn = worker.stalled && !ENDED_IN_TIME.has(functionId);
        tally.add("faults", goesOn ? "worker goes on after its time-out" : "function timed out");
        if (!goesOn) worker.kill("Sandbox.Timedout", "Task timed out");
        else reject(new StatesError("Sandbox.Timedout", "Task timed out"));
      });
    });
    over.catch(() => {});
    return { over, cancel };
  }

  #look(worker: Worker, error: unknown): void {
    const { violations } = this.#world;
    if (!(error instanceof Error) || !BUGS.has(error.name)) return;
    const where = error.stack?.split("\n").slice(1, 4).join(" ") ?? "";
    violations.add(
      "nothing fails as only a bug does",
      `${worker.id}: ${error.name}: ${error.message} ${where}`,
      [worker.id],
    );
  }
}

function statesError(error: unknown): StatesError {
  if (error instanceof StatesError) return error;
  return error instanceof Error
    ? new StatesError(error.name, error.message)
    : new StatesError("Error", String(error));
}

function isQueueEvent(event: Json): boolean {
  return typeof event === "object" && event !== null && "Records" in event;
}
