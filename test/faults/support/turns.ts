type Sleeper = { readonly at: number; readonly wake: () => void };

/**
 * Workers on one clock that take turns: one runs until it waits or is done, then the one whose wait is over first. Time
 * moves only while all of them wait, so no call takes any, and the order is the same every time.
 */
export class Turns {
  readonly #now: () => number;
  readonly #advance: (milliseconds: number) => Promise<void>;
  readonly #sleepers: Sleeper[] = [];
  #handBack: (() => void) | undefined;

  constructor(now: () => number, advance: (milliseconds: number) => Promise<void>) {
    this.#now = now;
    this.#advance = advance;
  }

  /** Runs all to their end. Rejects with the first failure, after the others have ended too. */
  async run(works: readonly (() => Promise<void>)[]): Promise<void> {
    const unfinished = new Set(works);
    const runs = works.map(async (work) => {
      await this.#sleep(0);
      try {
        await work();
      } finally {
        unfinished.delete(work);
        this.#handBack?.();
      }
    });
    const ended = Promise.allSettled(runs);
    while (unfinished.size > 0) await this.#giveTurn();
    this.#handBack = undefined;
    const failed = (await ended).find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** Waits so long: for its turn while workers run, and otherwise until the clock was moved. */
  async wait(milliseconds: number): Promise<void> {
    if (this.#handBack === undefined) return this.#advance(milliseconds);
    const asleep = this.#sleep(milliseconds);
    this.#handBack();
    return asleep;
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((wake) => this.#sleepers.push({ at: this.#now() + milliseconds, wake }));
  }

  async #giveTurn(): Promise<void> {
    this.#sleepers.sort((a, b) => a.at - b.at);
    const next = this.#sleepers.shift();
    if (next === undefined) throw new Error("nobody waits for a turn, and work is left");
    if (next.at > this.#now()) await this.#advance(next.at - this.#now());
    await new Promise<void>((resolve) => {
      this.#handBack = resolve;
      next.wake();
    });
  }
}
