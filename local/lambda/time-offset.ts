const MachineDate = globalThis.Date;

/** How far a stack's clock is ahead of the machine's: one number that all threads of the stack share. */
export class TimeOffset {
  readonly buffer: SharedArrayBuffer;
  readonly #ms: BigInt64Array;

  /** Takes the buffer that another thread made, or makes one that stands at zero. */
  constructor(buffer = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#ms = new BigInt64Array(buffer);
  }

  /** The stack's time, in milliseconds since the epoch. */
  now(): number {
    return MachineDate.now() + Number(Atomics.load(this.#ms, 0));
  }

  /** Puts the clock forward by whole milliseconds, for every thread at once. */
  advance(ms: number): void {
    Atomics.add(this.#ms, 0, BigInt(ms));
  }
}

/**
 * Has `Date` of this thread tell the stack's time: the handlers and the emulators take theirs from there. Returns the
 * function that gives the machine's time back. Timers are left alone.
 */
export function shiftDate(offset: TimeOffset): () => void {
  const before = globalThis.Date;
  globalThis.Date = new Proxy(MachineDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [offset.now()] : args, newTarget),
    apply: () => new MachineDate(offset.now()).toString(),
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
  });
  function now(): number {
    return offset.now();
  }
  return () => {
    globalThis.Date = before;
  };
}
