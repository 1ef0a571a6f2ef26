import { createHash } from "node:crypto";

/** One thing that happened: when, to whom, and everything it names, so that what concerns a job can be found. */
type TraceEvent = {
  readonly at: number;
  readonly who: string;
  readonly what: string;
  readonly names: string;
};

/** Longest text of one value in a printed event. */
const SHOWN = 150;

/**
 * What happened in a run. Only kept when somebody will read it: a run that failed is run once more, which happens in
 * exactly the same way.
 */
export class Trace {
  readonly on: boolean;
  readonly #events: TraceEvent[] = [];

  constructor(on: boolean) {
    this.on = on;
  }

  add(at: number, who: string, what: string, values?: unknown): void {
    if (!this.on) return;
    const names = values === undefined ? "" : textOf(values);
    this.#events.push({ at, who, what, names });
  }

  /** The last events that name any of `ids`; all of the last ones when nothing is asked for. */
  concerning(ids: readonly string[], most: number): string[] {
    const events = this.#events.filter(
      ({ what, names }) => ids.length === 0 || ids.some((id) => names.includes(id) || what.includes(id)),
    );
    return events.slice(-most).map(lineOf);
  }

  /** One hash of everything that happened. */
  digest(): string {
    const sum = createHash("sha256");
    for (const event of this.#events) sum.update(JSON.stringify(event));
    return sum.digest("hex");
  }

  get length(): number {
    return this.#events.length;
  }
}

function textOf(values: unknown): string {
  return (
    JSON.stringify(values, (_key, value: unknown) => {
      if (typeof value === "bigint") return String(value);
      if (value instanceof Uint8Array || isBufferJson(value)) return "<bytes>";
      if (typeof value === "object" && value !== null && Symbol.asyncIterator in value) return "<stream>";
      return value;
    }) ?? ""
  );
}

function isBufferJson(value: unknown): boolean {
  return typeof value === "object" && value !== null && "type" in value && value.type === "Buffer";
}

function lineOf({ at, who, what, names }: TraceEvent): string {
  const time = new Date(at).toISOString().slice(5, 23).replace("T", " ");
  const shown = names.length > SHOWN ? `${names.slice(0, SHOWN)}…` : names;
  return `${time}  ${who.padEnd(22)} ${what}${shown === "" ? "" : ` ${shown}`}`;
}
