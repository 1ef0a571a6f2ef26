/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class InjectedFault extends Error {
  override readonly name = "InjectedFault";
}

/** Most turns of the microtask queue that a call may take longer than another: what interleaves workers. */
const MOST_TURNS = 4;
/** How many faults kill their worker; the others are errors that it can still clean up after. */
const DEADLY = 0.5;

/**
 * One invocation of a function. Any of its calls may fail before its effect or after it; a dead worker's calls have no
 * effect any more, not even those of a `finally`.
 */
export class CrashingWorker {
  readonly #random: Random;
  readonly #probability: number;
  #dead = false;

  constructor(random: Random, probability: number) {
    this.#random = random;
    this.#probability = probability;
  }

  /** The port as this worker sees it. */
  wrap<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return (...parameters: unknown[]) => this.#call(String(name), parameters, member.bind(target));
      },
    });
  }

  #call(name: string, parameters: unknown[], run: (...parameters: unknown[]) => unknown): unknown {
    // Only streams are generators: they give what they have before they break.
    if (STREAMS.has(name)) return this.#stream(name, () => run(...parameters) as AsyncIterable<unknown>);
    return this.#promise(name, parameters, run);
  }

  async #promise(name: string, parameters: unknown[], run: (...parameters: unknown[]) => unknown) {
    await this.#turns();
    if (this.#fails()) {
      if (name === "putStream") await beginReading(parameters[1]);
      throw new InjectedFault(`before ${name}`);
    }
    const result = await run(...parameters);
    await this.#turns();
    if (this.#fails()) throw new InjectedFault(`after ${name}`);
    return result;
  }

  async *#stream(name: string, open: () => AsyncIterable<unknown>) {
    if (this.#fails()) throw new InjectedFault(`before ${name}`);
    for await (const item of open()) {
      yield item;
      if (this.#fails()) throw new InjectedFault(`within ${name}`);
    }
  }

  async #turns(): Promise<void> {
    for (let turn = Math.floor(this.#random() * MOST_TURNS); turn > 0; turn -= 1) await Promise.resolve();
  }

  #fails(): boolean {
    if (this.#dead) return true;
    if (this.#random() >= this.#probability) return false;
    this.#dead = this.#random() < DEADLY;
    return true;
  }
}

const STREAMS: ReadonlySet<string> = new Set([
  "stream",
  "list",
  "entries",
  "listOpen",
  "listSince",
  "output",
]);

/** An upload that breaks off has begun to read its source, and lets go of it. */
async function beginReading(source: unknown): Promise<void> {
  for await (const _chunk of source as AsyncIterable<unknown>) return;
}
