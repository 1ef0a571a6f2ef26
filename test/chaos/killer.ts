import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../local/provider-simulator/seeded-random.ts";

/** What a function that has not ended yet may take, in milliseconds: from few for one item to many with a slow call. */
const LONGEST_GUESS_MS = 400;
/** Of the function's mean length: a kill that comes when the invocation is over hits nobody and does not count. */
const LATEST_SHARE = 1.1;

type KillerOptions = {
  readonly random: Random;
  /** The chance that an invocation is aimed at. */
  readonly chance: number;
  /** Workers of one function that may die. */
  readonly most: number;
  /** Ends the thread of an invocation under way; false when the function is idle. */
  readonly kill: (functionName: string) => Promise<boolean>;
};

/** Kills workers in the middle of invocations: which, and how far into one, is drawn from a seed. */
export class Killer {
  readonly #options: KillerOptions;
  readonly #lengths = new Map<string, { sum: number; count: number }>();
  readonly #aims = new Set<Promise<void>>();
  readonly #aimed = new Map<string, number>();
  readonly kills = new Map<string, number>();
  /** One line per kill, in order. */
  readonly story: string[] = [];
  #stopped = false;

  constructor(options: KillerOptions) {
    this.#options = options;
  }

  /** To be told of every invocation as it begins. */
  watch(functionName: string, result: Promise<{ readonly kind: string }>): void {
    void this.#learn(functionName, result);
    const { random, chance, most } = this.#options;
    const spent = (this.kills.get(functionName) ?? 0) + (this.#aimed.get(functionName) ?? 0);
    if (this.#stopped || spent >= most || random() >= chance) return;
    const aim = this.#shoot(functionName, this.#drawDelay(functionName)).finally(() =>
      this.#aims.delete(aim),
    );
    this.#aims.add(aim);
  }

  /** No more kills; resolves when those under way are done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#aims);
  }

  async #shoot(functionName: string, delayMs: number): Promise<void> {
    add(this.#aimed, functionName, 1);
    await sleep(delayMs);
    const hit = !this.#stopped && (await this.#options.kill(functionName));
    add(this.#aimed, functionName, -1);
    if (!hit) return;
    add(this.kills, functionName, 1);
    this.story.push(`${functionName}, ${delayMs.toFixed(0)} ms after an invocation began`);
  }

  async #learn(functionName: string, result: Promise<{ readonly kind: string }>): Promise<void> {
    const began = performance.now();
    if ((await result).kind !== "succeeded") return;
    const { sum, count } = this.#lengths.get(functionName) ?? { sum: 0, count: 0 };
    this.#lengths.set(functionName, { sum: sum + performance.now() - began, count: count + 1 });
  }

  /** Evenly over the function's mean length; while that is not known, rather early than late. */
  #drawDelay(functionName: string): number {
    const draw = this.#options.random();
    const length = this.#lengths.get(functionName);
    return length === undefined
      ? draw ** 2 * LONGEST_GUESS_MS
      : draw * LATEST_SHARE * (length.sum / length.count);
  }
}

function add(counts: Map<string, number>, name: string, more: number): void {
  counts.set(name, (counts.get(name) ?? 0) + more);
}
