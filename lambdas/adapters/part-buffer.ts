const FIRST_BYTES = 65_536;

/**
 * Memory for one part of an upload, filled again and again: streams of any length go through two of these instead of
 * leaving a new buffer per part to the garbage collector. It grows to its capacity only when a stream is that long.
 */
export class PartBuffer {
  readonly #capacity: number;
  #memory: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#memory = new Uint8Array(Math.min(FIRST_BYTES, capacity));
  }

  get isFull(): boolean {
    return this.#length === this.#capacity;
  }

  /** What was appended since the last `clear`; changes with the buffer. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Appends as much as there is room for, and returns the rest. */
  append(chunk: Uint8Array): Uint8Array {
    const taken = chunk.subarray(0, this.#capacity - this.#length);
    const needed = this.#length + taken.byteLength;
    if (needed > this.#memory.byteLength) {
      const grown = new Uint8Array(Math.min(Math.max(needed, this.#memory.byteLength * 2), this.#capacity));
      grown.set(this.bytes);
      this.#memory = grown;
    }
    this.#memory.set(taken, this.#length);
    this.#length = needed;
    return chunk.subarray(taken.byteLength);
  }
}
