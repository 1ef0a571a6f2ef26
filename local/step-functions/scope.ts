import { type Json, jsonBytes } from "./json.ts";
import { MAX_PAYLOAD_BYTES, MAX_VARIABLES_BYTES } from "./limits.ts";
import { StatesError } from "./states-error.ts";

/** The variables of a graph; a Map iteration or a branch reads those outside it and keeps its own to itself. */
export class Scope {
  readonly #outer: Scope | null;
  readonly #variables = new Map<string, Json>();

  constructor(outer: Scope | null) {
    this.#outer = outer;
  }

  /** All variables that can be read here, by name. */
  visible(): Record<string, Json> {
    return { ...this.#outer?.visible(), ...Object.fromEntries(this.#variables) };
  }

  /** Sets variables together. Throws `States.DataLimitExceeded` and sets none when they are too large. */
  assign(values: Readonly<Record<string, Json>>): void {
    if (
      jsonBytes(values) > MAX_PAYLOAD_BYTES ||
      jsonBytes({ ...this.visible(), ...values }) > MAX_VARIABLES_BYTES
    ) {
      throw new StatesError(
        "States.DataLimitExceeded",
        "The assigned variables exceed the maximum number of bytes.",
      );
    }
    for (const [name, value] of Object.entries(values)) this.#variables.set(name, value);
  }
}
