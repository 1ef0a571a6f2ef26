import type { Part, SettlementPlan } from "./settlement-plan.ts";

/** A part ends before it would pass either: what one SettlePart call reads, holds and writes. */
export const MAX_PART_LINES = 2000;
export const MAX_PART_BYTES = 8 * 1024 * 1024;

/** How much a line says: an answer outweighs a failure for the same request; the first of equals counts. */
type LineRank = "answered" | "failed";

/** One line of provider output: whose it claims to be and how much it says, or nothing readable. */
export type SeenLine = { readonly customId: string; readonly rank: LineRank } | undefined;

type OpenPart = Extract<Part, { kind: "lines" }> & { skip: number[] };
type Place = { readonly part: OpenPart; readonly line: number; readonly rank: LineRank };

/**
 * Builds the plan of settling from one pass over a batch's output: cuts it into parts and decides which of several
 * lines for one request counts. Holds one small record per request, never a line.
 */
export class SettlementFold {
  readonly #parts: OpenPart[] = [];
  readonly #places = new Map<string, Place | null>();
  readonly #counts = { lines: 0, repeated: 0, unknown: 0, unparseable: 0 };
  #open: OpenPart | undefined;

  /** `expected`: the custom ids of the batch's manifest. */
  constructor(expected: Iterable<string>) {
    for (const customId of expected) this.#places.set(customId, null);
  }

  /** The next line of the collected object `key`; `length` bytes, line feed included. Lines come in order. */
  add(key: string, length: number, seen: SeenLine): void {
    const part = this.#partFor(key, length);
    const line = part.lines;
    part.lines += 1;
    part.length += length;
    this.#counts.lines += 1;
    if (seen === undefined) {
      this.#counts.unparseable += 1;
      part.skip.push(line);
      return;
    }
    const earlier = this.#places.get(seen.customId);
    if (earlier === undefined) {
      this.#counts.unknown += 1;
      part.skip.push(line);
      return;
    }
    if (earlier !== null) this.#counts.repeated += 1;
    if (earlier === null || (earlier.rank === "failed" && seen.rank === "answered")) {
      earlier?.part.skip.push(earlier.line);
      this.#places.set(seen.customId, { part, line, rank: seen.rank });
    } else {
      part.skip.push(line);
    }
  }

  /** The object of the latest line; undefined before the first. */
  get lastKey(): string | undefined {
    return this.#open?.key;
  }

  #partFor(key: string, length: number): OpenPart {
    const open = this.#open;
    if (open && open.key === key && open.lines < MAX_PART_LINES && open.length + length <= MAX_PART_BYTES)
      return open;
    const offset = open && open.key === key ? open.offset + open.length : 0;
    const part: OpenPart = { kind: "lines", key, offset, length: 0, lines: 0, skip: [] };
    this.#parts.push(part);
    this.#open = part;
    return part;
  }

  /** The parts in order of the output, then the requests that no line answered. */
  finish(): Pick<SettlementPlan, "parts" | "counts"> {
    const missing = [...this.#places].flatMap(([customId, place]) => (place === null ? [customId] : []));
    const parts: Part[] = this.#parts.map((part) => ({ ...part, skip: part.skip.toSorted((a, b) => a - b) }));
    for (let start = 0; start < missing.length; start += MAX_PART_LINES) {
      parts.push({ kind: "missing", customIds: missing.slice(start, start + MAX_PART_LINES) });
    }
    const ranks = [...this.#places.values()].map((place) => place?.rank);
    const counted = (rank: LineRank) => ranks.filter((each) => each === rank).length;
    const counts = {
      ...this.#counts,
      answered: counted("answered"),
      failed: counted("failed"),
      missing: missing.length,
    };
    return { parts, counts };
  }
}
