import type { AnthropicBatch } from "./anthropic-batch.ts";
import { pause, type SimulatorClock, systemClock } from "./clock.ts";
import type { Call } from "./execution.ts";
import { Faults } from "./faults.ts";
import { FileStore, type StoredBytes } from "./file-store.ts";
import { Invoice } from "./invoice.ts";
import type { OpenAiBatch } from "./openai-batch.ts";
import { PromptCache } from "./prompt-cache.ts";
import { createRandom, derivedId, type Random } from "./seeded-random.ts";
import type { ProviderSimulatorOptions } from "./simulator-options.ts";

/** A file at OpenAI: what was uploaded, or what a batch wrote. */
export interface OpenAiFile {
  readonly id: string;
  readonly account: string;
  readonly filename: string;
  readonly purpose: string;
  readonly createdAt: number;
  /** Seconds since the epoch, or null for a file that stays until it is deleted. */
  readonly expiresAt: number | null;
  readonly stored: StoredBytes;
}

/** Everything that one running simulator remembers. */
export class SimulatorState {
  readonly clock: SimulatorClock;
  readonly speed: number;
  readonly batchSeconds: number | undefined;
  readonly batchesPerHour: number;
  readonly enqueuedTokenLimits: ReadonlyMap<string, number>;
  readonly failedTokenHoldMs: number;
  readonly store: FileStore;
  readonly cache: PromptCache;
  readonly invoice = new Invoice();
  readonly faults = new Faults();
  readonly random: Random;
  /** Both in the order of their creation. */
  readonly openAiFiles = new Map<string, OpenAiFile>();
  readonly openAiBatches = new Map<string, OpenAiBatch>();
  readonly anthropicBatches = new Map<string, AnthropicBatch>();
  readonly #directLatencyMs: number;
  readonly #flexSeconds: readonly [least: number, most: number];
  readonly #flexRefusedShare: number;
  readonly #seed: string;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #nextId = 1;

  private constructor(options: ProviderSimulatorOptions, store: FileStore) {
    this.clock = options.clock ?? systemClock;
    this.speed = options.speed ?? 1;
    this.batchSeconds = options.batchSeconds;
    this.batchesPerHour = options.batchesPerHour ?? 2000;
    this.enqueuedTokenLimits = new Map(Object.entries(options.enqueuedTokenLimits ?? {}));
    this.failedTokenHoldMs = ((options.failedTokenHoldSeconds ?? 0) * 1000) / this.speed;
    this.store = store;
    this.cache = new PromptCache(this.clock, this.speed);
    this.#directLatencyMs = options.directLatencyMs ?? 0;
    this.#flexSeconds = options.flexSeconds ?? [10, 600];
    this.#flexRefusedShare = options.flexRefusedShare ?? 0.3;
    this.#seed = options.seed ?? "offpeak";
    this.random = createRandom(this.#seed);
  }

  static async create(options: ProviderSimulatorOptions): Promise<SimulatorState> {
    return new SimulatorState(options, await FileStore.create());
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** A new id; the same sequence for the same seed. */
  newId(prefix: string, length: number): string {
    const id = derivedId(prefix, `${this.#seed}|${this.#nextId}`, length);
    this.#nextId += 1;
    return id;
  }

  /** One call of `account` at this instant; `key` tells it from every other. */
  call(account: string, service: Call["service"], key: string): Call {
    return { account, service, key, now: this.clock.now(), cache: this.cache };
  }

  waitDirectLatency(): Promise<void> {
    return pause(this.clock, this.#directLatencyMs, [this.closed]);
  }

  /**
   * Waits until a call of the flex tier is answered; false, at once, when there is no capacity for it. `key` tells the call
   * from every other.
   */
  async waitForFlex(key: string): Promise<boolean> {
    const random = createRandom(`${this.#seed}|flex|${key}`);
    if (random() < this.#flexRefusedShare) return false;
    const [least, most] = this.#flexSeconds;
    const seconds = least + (most - least) * random();
    await pause(this.clock, (seconds * 1000) / this.speed, [this.closed]);
    return true;
  }

  /** Runs a batch beside the server; `close` waits for it. */
  runInBackground(work: Promise<void>): void {
    const tracked = work.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }

  /** Stops every batch and removes every file. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
    await this.store.close();
  }
}
