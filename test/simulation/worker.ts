import { LostAnswerError, NotSentError, RetryableError } from "../../lambdas/domain/failures.ts";
import type { JobTries } from "./job-tries.ts";
import type { PortFault, PortFaults, Site } from "./port-faults.ts";
import { MINUTE, SECOND, type SimulationClock } from "./simulation-clock.ts";
import type { Trace } from "./trace.ts";

/** Most turns of the microtask queue that a call may take longer than another: what interleaves workers. */
const MOST_TURNS = 4;
/** How often a call takes time, so that timers of others fire within it. */
const SLOW_SHARE = 0.05;
const LONGEST_STALL = 25 * MINUTE;

/** Methods that give one thing after the other. */
const STREAMS: ReadonlySet<string> = new Set([
  "objects.stream",
  "objects.list",
  "ledger.entries",
  "tenants.list",
  "budgets.list",
  "batches.listOpen",
  "batches.listPlanned",
  "batches.times",
  "provider.listSince",
  "provider.output",
]);

/** Awaiting it takes one turn of the microtask queue. */
const A_TURN = Promise.resolve();

const NOTHING = { fault: null, detail: 0 } as const;

type Method = (...parameters: unknown[]) => unknown;

/** A promise that never settles: what a dead worker waits for. */
function never(): Promise<never> {
  return new Promise(() => {});
}

export type WorkerWorld = {
  readonly clock: SimulationClock;
  readonly faults: PortFaults;
  readonly trace: Trace;
  readonly tries: JobTries;
};

/**
 * One invocation of a function. Any call of its ports may go wrong; a dead worker's calls have no effect any more, not
 * even those of a `finally`. `died` rejects when it dies.
 */
export class Worker {
  readonly id: string;
  readonly functionId: string;
  readonly died: Promise<never>;
  readonly startedAt: number;
  readonly #world: WorkerWorld;
  #die!: (error: Error) => void;
  #alive = true;
  /** The attempt that this worker leased of each job: which call of the job a direct call is. */
  readonly attempts = new Map<string, number>();
  /** It stalled: it goes on after its time is up, as no worker should but some do. */
  stalled = false;

  constructor(id: string, functionId: string, world: WorkerWorld) {
    this.id = id;
    this.functionId = functionId;
    this.#world = world;
    this.startedAt = world.clock.now();
    this.died = new Promise((_resolve, reject) => {
      this.#die = reject;
    });
    this.died.catch(() => {});
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Ends the worker where it stands. */
  kill(name: string, words: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    const error = new Error(words);
    error.name = name;
    this.#die(error);
  }

  /** A worker's own clock, ids and sleep: nothing of that fails, but the dead do not wake up. */
  async sleep(duration: number): Promise<void> {
    await this.#world.clock.sleep(duration);
    if (!this.#alive) await never();
  }

  /** The port `name` as this worker sees it. */
  wrap<Port extends object>(name: string, port: Port): Port {
    const wrapped = new Map<string | symbol, Method>();
    return new Proxy(port, {
      get: (target, property) => {
        const before = wrapped.get(property);
        if (before !== undefined) return before;
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== "function") return member;
        const method = this.#wrapped(`${name}.${String(property)}`, member.bind(target) as Method);
        wrapped.set(property, method);
        return method;
      },
    });
  }

  #wrapped(method: string, run: Method): Method {
    return STREAMS.has(method)
      ? (...parameters) =>
          this.#stream(method, parameters, run as (...parameters: unknown[]) => AsyncIterable<unknown>)
      : (...parameters) => this.#call(method, parameters, run);
  }

  // The promises of this one method are most of a run's: it awaits only what has to be waited for.
  async #call(method: string, parameters: unknown[], run: Method): Promise<unknown> {
    const { fault, detail } = this.#next(method);
    for (let turn = turnsOf(detail); turn > 0; turn -= 1) await A_TURN;
    const pause = this.#pause(detail, fault);
    if (pause !== null) await pause;
    if (!this.#begins(method, parameters, fault)) await never();
    if (fault === "throttle") {
      if (method === "objects.putStream") await beginReading(parameters[1]);
      throw failure(method, "throttle");
    }
    if (fault === "half") {
      await run(...halved(parameters, detail));
      if (!this.#alive) await never();
      throw failure(method, "half");
    }
    const result = await this.#effect(method, parameters, run);
    if (!this.#ends(method, fault)) await never();
    return result;
  }

  #effect(method: string, parameters: unknown[], run: Method): unknown {
    if (method !== "jobs.lease" && !this.#world.trace.on) return run(...parameters);
    return this.#watchedEffect(method, parameters, run);
  }

  async #watchedEffect(method: string, parameters: unknown[], run: Method): Promise<unknown> {
    const { trace, clock } = this.#world;
    try {
      const result = await run(...parameters);
      if (trace.on) trace.add(clock.now(), this.id, `${method} →`, result);
      this.#notice(method, parameters, result);
      return result;
    } catch (error) {
      if (trace.on) trace.add(clock.now(), this.id, `${method} threw ${String(error)}`, parameters);
      throw error;
    }
  }

  async *#stream(
    method: string,
    parameters: unknown[],
    run: (...parameters: unknown[]) => AsyncIterable<unknown>,
  ) {
    const { fault, detail } = this.#next(method);
    for (let turn = turnsOf(detail); turn > 0; turn -= 1) await A_TURN;
    const pause = this.#pause(detail, fault);
    if (pause !== null) await pause;
    if (!this.#begins(method, parameters, fault)) await never();
    if (fault === "throttle") throw failure(method, "throttle");
    let cut = fault;
    for await (const item of run(...parameters)) {
      if (!this.#alive) await never();
      yield item;
      // Broken off after the first piece.
      if (!this.#ends(method, cut)) await never();
      cut = null;
    }
    if (!this.#ends(method, cut)) await never();
  }

  #next(method: string): { readonly fault: PortFault | null; readonly detail: number } {
    // The dead have nothing decided for them: what they ask for next never begins.
    if (!this.#alive) return NOTHING;
    const site: Site = `${this.functionId} ${method as `${string}.${string}`}`;
    return this.#world.faults.next(site);
  }

  /** Whether a call takes place; a dead worker's does not. */
  #begins(method: string, parameters: unknown[], fault: PortFault | null): boolean {
    if (!this.#alive) return false;
    const { trace, clock } = this.#world;
    if (trace.on)
      trace.add(clock.now(), this.id, `${method}${fault === null ? "" : ` (${fault})`}`, parameters);
    if (fault === "crash-before") this.kill("Runtime.ExitError", `crashed before ${method}`);
    return this.#alive;
  }

  /** Whether the worker lives to see what a call came to. */
  #ends(method: string, fault: PortFault | null): boolean {
    if (!this.#alive) return false;
    if (fault === "crash-after") this.kill("Runtime.ExitError", `crashed after ${method}`);
    if (fault === "timeout") throw failure(method, "timeout");
    return this.#alive;
  }

  /** The time that a call takes before it has any effect, where it takes any. */
  #pause(detail: number, fault: PortFault | null): Promise<void> | null {
    const { clock } = this.#world;
    if (fault === "stall") {
      this.stalled = true;
      return clock.sleep(MINUTE + detail * LONGEST_STALL);
    }
    const slow = slownessOf(detail);
    return slow < SLOW_SHARE ? clock.sleep(1 + (slow / SLOW_SHARE) ** 3 * 2 * SECOND) : null;
  }

  #notice(method: string, parameters: unknown[], result: unknown): void {
    if (method !== "jobs.lease") return;
    const { jobId } = parameters[0] as { readonly jobId: string };
    const { kind, job } = result as { readonly kind: string; readonly job?: { readonly attempt: number } };
    if (kind !== "leased" || job === undefined) return;
    this.attempts.set(jobId, job.attempt);
    // Whatever becomes of the call, the attempt is used up.
    this.#world.tries.failed(jobId, job.attempt);
  }
}

/** Drawn from the same number, but as good as independent of it. */
function slownessOf(detail: number): number {
  return (detail * 1000) % 1;
}

/** Turns of the microtask queue that a call waits for others. */
function turnsOf(detail: number): number {
  return slownessOf(detail) < SLOW_SHARE ? 0 : Math.floor(detail * MOST_TURNS);
}

/** What the port's real adapter would throw for this. */
function failure(method: string, fault: PortFault): Error {
  const words = `${method}: ${fault} (injected)`;
  if (method === "direct.call")
    return fault === "throttle" ? new NotSentError(words) : new LostAnswerError(words);
  if (method === "provider.create" && fault !== "throttle") return new LostAnswerError(words);
  return new RetryableError(words);
}

/** The parameters with the last list among them cut to a part of it, not always the first. */
function halved(parameters: readonly unknown[], detail: number): unknown[] {
  return parameters.map((parameter) =>
    Array.isArray(parameter)
      ? parameter.filter((_item, index) => ((index + 1) * detail * 7.3) % 1 < 0.5)
      : parameter,
  );
}

/** An upload that breaks off has begun to read its source, and lets go of it. */
async function beginReading(source: unknown): Promise<void> {
  for await (const _chunk of source as AsyncIterable<unknown>) return;
}
