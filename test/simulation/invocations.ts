import type { Json } from "../../local/step-functions/json.ts";
import { StatesError } from "../../local/step-functions/states-error.ts";
import type { GatewayFunctionId } from "../../lib/function-limits.ts";
import { FUNCTIONS, type FunctionSettings, type WorkerPorts } from "./functions.ts";
import type { JobTries } from "./job-tries.ts";
import type { PortFaults } from "./port-faults.ts";
import type { Random } from "./random.ts";
import { HOUR, MINUTE, SECOND, type SimulationClock } from "./simulation-clock.ts";
import type { Stage } from "./stage.ts";
import type { Tally } from "./tally.ts";
import type { Trace } from "./trace.ts";
import type { Violations } from "./violations.ts";
import { Worker } from "./worker.ts";

/** How often Lambda itself refuses, starts a call twice, or starts an old one again. */
const THROTTLED = 0.004;
const TWICE = 0.02;
/** A window is made in few calls, and two at once may each make a plan of their own. */
const WINDOW_TWICE = 0.15;
const AGAIN_LATER = 0.015;
/** A part settled again long after its jobs have moved on: few calls, and much that they could undo. */
const SETTLED_AGAIN_LATER = 0.12;
/** Or just when another part has moved some of the same jobs on, and they wait for their next attempt. */
const SETTLED_AGAIN_AFTER_ANOTHER = 0.4;
const SETTLED_AGAIN_AS_LETTERS_RUN = 0.3;

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
const ENDED_IN_TIME: ReadonlySet<GatewayFunctionId> = new Set(["RunJob", "RunFlex", "AdmitJobs"]);

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
  /** Calls that settled a part so far, by the beginning of the name of the step. */
  readonly #settled = new Map<string, Json>();

  constructor(world: InvocationWorld) {
    this.#world = world;
  }

  get running(): number {
    return this.#running;
  }

  /** Calls a function as Step Functions, a queue or a schedule does; rejects with a StatesError. */
  async invoke(functionId: GatewayFunctionId, event: Json): Promise<Json> {
    const { random, faults, tally } = this.#world;
    if (!faults.calm && random.chance(THROTTLED)) {
      tally.add("faults", "function throttled by Lambda");
      throw new StatesError("Lambda.TooManyRequestsException", "Rate exceeded");
    }
    const twice = functionId === "PlanWindow" || functionId === "FreezeWindow" ? WINDOW_TWICE : TWICE;
    if (!faults.calm && random.chance(twice)) {
      tally.add("faults", "function called twice at once");
      this.#aside(functionId, event);
    }
    // What a queue gives again, it gives until it is done: its own late copies are the queue's to make.
    const share = functionId === "SettlePart" ? SETTLED_AGAIN_LATER : AGAIN_LATER;
    const again = random.chance(share) && !isQueueEvent(event);
    if (!faults.calm && again) {
      this.#later(functionId, event, (random.chance(0.1) ? 40 : 4) * HOUR);
    }
    if (functionId === "SettlePart" && !faults.calm) this.#settleAnother(event);
    return this.#run(functionId, event);
  }

  /** Soon after a part, one of those before it is settled once more. */
  #settleAnother(event: Json): void {
    const { random } = this.#world;
    if (this.#settled.size > 0 && random.chance(SETTLED_AGAIN_AFTER_ANOTHER))
      this.#later("SettlePart", random.pick([...this.#settled.values()]), 10 * MINUTE);
    const { batchId, part } = event as { readonly batchId: string; readonly part: number };
    this.#settled.set(`${batchId} ${part}`, event);
  }

  /** A part whose dead letters are being run is settled once more meanwhile, now and then; `step` is its name. */
  settleAgain(step: string): void {
    const { random, faults } = this.#world;
    const [, batchId, part] = /^(b-.+)-g\d+-p(\d+)$/.exec(step) ?? [];
    const event = this.#settled.get(`${batchId} ${part}`);
    if (event !== undefined && !faults.calm && random.chance(SETTLED_AGAIN_AS_LETTERS_RUN))
      this.#later("SettlePart", event, 4 * SECOND);
  }

  /** An old call, which Lambda starts again within `most` milliseconds. */
  #later(functionId: GatewayFunctionId, event: Json, most: number): void {
    const { random, tally, clock } = this.#world;
    clock.after(random.between(0, most), () => {
      tally.add("faults", "old call run again later");
      this.#aside(functionId, event);
    });
  }

  /** A call whose answer nobody waits for. */
  #aside(functionId: GatewayFunctionId, event: Json): void {
    this.#run(functionId, event).catch(() => {});
  }

  async #run(functionId: GatewayFunctionId, event: Json): Promise<Json> {
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
  #timeOut(worker: Worker, functionId: GatewayFunctionId) {
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
