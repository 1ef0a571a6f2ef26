import { createHash, randomUUID } from "node:crypto";
import jsonata from "jsonata";
import { z } from "zod";
import type { Clock } from "./clock.ts";

/** Where `$now`, `$random` and `$uuid` get what would otherwise make a run unrepeatable. */
export interface Surroundings {
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

const HASHES: Readonly<Record<string, string>> = {
  MD5: "md5",
  "SHA-1": "sha1",
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
};
const MAX_RANGE = 1000;

/**
 * The functions that Step Functions adds to JSONata, and those of JSONata's own that depend on time or chance, bound to
 * the given surroundings. `$eval` is not there, as on AWS.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
export function jsonataFunctions(surroundings: Surroundings): Record<string, unknown> {
  const { clock, random } = surroundings;
  return {
    partition: (items: unknown, size: unknown) =>
      partition(z.array(z.unknown()).parse(items), positive(size)),
    range: (start: unknown, end: unknown, step: unknown) => range(whole(start), whole(end), whole(step)),
    hash: (data: unknown, algorithm: unknown) => hash(data, algorithm),
    random: (seed: unknown) => (seed === undefined ? random() : seededRandom(z.number().parse(seed))),
    uuid: () => uuid(random),
    parse: (text: unknown): unknown => (text === undefined ? undefined : JSON.parse(z.string().parse(text))),
    eval: () => {
      throw new Error("$eval is not supported by Step Functions; use $parse");
    },
    millis: () => clock.now(),
    now: (picture: unknown, timezone: unknown) => formatNow(clock.now(), picture, timezone),
  };
}

const whole = (value: unknown): number => z.int().parse(value);
const positive = (value: unknown): number => z.int().positive().parse(value);

function partition(items: readonly unknown[], size: number): unknown[][] {
  const chunks: unknown[][] = [];
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size));
  return chunks;
}

/** Both ends are part of the range, as in States.ArrayRange. */
function range(start: number, end: number, step: number): number[] {
  if (step === 0) throw new Error("$range needs a step other than 0");
  const length = Math.max(0, Math.floor((end - start) / step) + 1);
  if (length > MAX_RANGE) throw new Error(`$range yields at most ${MAX_RANGE} items`);
  return Array.from({ length }, (_, index) => start + index * step);
}

function hash(data: unknown, algorithm: unknown): string {
  const name = HASHES[z.string().parse(algorithm)];
  if (name === undefined) throw new Error(`$hash does not know the algorithm ${String(algorithm)}`);
  return createHash(name)
    .update(typeof data === "string" ? data : JSON.stringify(data))
    .digest("hex");
}

/** Mulberry32: the same seed gives the same number; which number, AWS does not say. */
function seededRandom(seed: number): number {
  let state = (Math.trunc(seed) + 0x6d2b79f5) | 0;
  state = Math.imul(state ^ (state >>> 15), state | 1);
  state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
  return ((state ^ (state >>> 14)) >>> 0) / 4_294_967_296;
}

/** A version 4 UUID; from the given chance unless that is the machine's own. */
function uuid(random: () => number): string {
  if (random === Math.random) return randomUUID();
  const digits = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  return digits.replaceAll(/[xy]/g, (digit) => {
    const value = Math.floor(random() * 16);
    return (digit === "x" ? value : (value & 3) | 8).toString(16);
  });
}

const FORMAT = jsonata("$fromMillis($at, $picture, $timezone)");

function formatNow(at: number, picture: unknown, timezone: unknown): unknown {
  if (picture === undefined && timezone === undefined) return new Date(at).toISOString();
  return FORMAT.evaluate(undefined, { at, picture, timezone });
}
