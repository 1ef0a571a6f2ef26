import { randomUUID } from "node:crypto";
import type { Clock } from "../step-functions/clock.ts";

export interface ScheduleOptions {
  readonly arn: string;
  /** Milliseconds between two runs. */
  readonly periodMs: number;
  /** The target's input, with EventBridge Scheduler's context attributes still in it. */
  readonly input: string;
  readonly clock: Clock;
  /** Calls the target with the finished input. */
  readonly fire: (input: string) => Promise<void>;
  readonly log: (line: string) => void;
}

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** The period of `rate(5 minutes)` in milliseconds. Throws for every other kind of expression. */
export function parseRate(expression: string): number {
  const [, value, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  const unitMs = UNIT_MS[unit ?? ""];
  if (value === undefined || unitMs === undefined || Number(value) === 0) {
    throw new Error(`only rate(…) schedules run here, not ${expression}`);
  }
  return Number(value) * unitMs;
}

/** Calls a target once every period, first one period after its start. A slow target does not delay the next run. */
export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #stopping = new AbortController();
  readonly #firing = new Set<Promise<void>>();
  #loop: Promise<void> | null = null;
  #lastSecond = Number.NEGATIVE_INFINITY;

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Calls of the target that have not returned. */
  get activeCount(): number {
    return this.#firing.size;
  }

  /** Ends the loop; resolves once the calls under way have returned. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the schedule was stopped"));
    await this.#loop;
    await Promise.all(this.#firing);
  }

  async #run(): Promise<void> {
    const { clock, periodMs } = this.#options;
    let next = clock.now() + periodMs;
    while (await this.#reaches(next)) {
      const call = this.#fire().finally(() => this.#firing.delete(call));
      this.#firing.add(call);
      // Runs that a busy machine missed are skipped, not made up for in a burst.
      next = Math.max(next + periodMs, clock.now());
    }
  }

  /** False when the schedule is stopped before that time. */
  async #reaches(time: number): Promise<boolean> {
    const { clock } = this.#options;
    await clock.sleep(time - clock.now(), this.#stopping.signal).catch(() => undefined);
    return !this.#stopping.signal.aborted;
  }

  async #fire(): Promise<void> {
    const { arn, input, fire, log } = this.#options;
    const attributes: Readonly<Record<string, string>> = {
      "schedule-arn": arn,
      "scheduled-time": this.#scheduledTime(),
      "execution-id": randomUUID(),
      "attempt-number": "1",
    };
    const finished = input.replaceAll(
      /<aws\.scheduler\.([a-z-]+)>/g,
      (text, name: string) => attributes[name] ?? text,
    );
    try {
      await fire(finished);
    } catch (error) {
      // A target that was cut off because everything stops did not fail.
      if (!this.#stopping.signal.aborted)
        log(`the schedule ${arn} could not call its target: ${String(error)}`);
    }
  }

  /** To the second, as Scheduler gives it; no two runs share one, since targets make names of it. */
  #scheduledTime(): string {
    const second = Math.floor(this.#options.clock.now() / 1000);
    this.#lastSecond = Math.max(second, this.#lastSecond + 1);
    return new Date(this.#lastSecond * 1000).toISOString().replace(".000Z", "Z");
  }
}
