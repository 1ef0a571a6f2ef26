import { chooseLabel, listedLabels, namedJsonFields, splitSentences, summarize } from "./answer-text.ts";
import { hashText } from "./seeded-random.ts";

/** Deeper than any schema that a provider accepts: recursive schemas end here. */
const DEEPEST = 10;

type Schema = Readonly<Record<string, unknown>>;

/**
 * A JSON value that satisfies `schema`, filled from the text: strings by its sentences, enums by the value that shares
 * most words with it, numbers and booleans by its hash. Understands what the providers' structured outputs accept
 * ($ref into $defs, anyOf, const, formats, bounds); a `pattern` is not followed.
 */
export function answerForSchema(schema: unknown, text: string): unknown {
  return new SchemaAnswer(asSchema(schema), text).valueFor(asSchema(schema), "answer", 0);
}

/** A JSON object for instructions that ask for JSON in words only. */
export function answerForNamedFields(instructions: string, text: string): Record<string, unknown> {
  const labels = listedLabels(instructions);
  const labelField = /label|category|class|intent|queue|topic/i;
  return Object.fromEntries(
    namedJsonFields(instructions).map((name) => [
      name,
      labels && labelField.test(name) ? chooseLabel(labels, text) : summarize(text, 1 + (hashText(name) % 2)),
    ]),
  );
}

class SchemaAnswer {
  readonly #root: Schema;
  readonly #text: string;

  constructor(root: Schema, text: string) {
    this.#root = root;
    this.#text = text;
  }

  valueFor(given: Schema, name: string, depth: number): unknown {
    const schema = this.#resolve(given);
    if ("const" in schema) return schema["const"];
    if (Array.isArray(schema["enum"])) return this.#chooseValue(schema["enum"]);
    switch (this.#typeOf(schema)) {
      case "object":
        return this.#objectFor(schema, depth);
      case "array":
        return this.#arrayFor(schema, name, depth);
      case "integer":
      case "number":
        return this.#numberFor(schema, name);
      case "boolean":
        return hashText(name + this.#text) % 2 === 0;
      case "null":
        return null;
      default:
        return this.#stringFor(schema, name);
    }
  }

  #resolve(schema: Schema): Schema {
    const reference = schema["$ref"];
    if (typeof reference === "string") return this.#resolve(this.#lookUp(reference));
    const choices = schema["anyOf"] ?? schema["oneOf"];
    if (Array.isArray(choices)) {
      const notNull = choices.map(asSchema).find((choice) => choice["type"] !== "null");
      return this.#resolve(notNull ?? { type: "null" });
    }
    const parts = schema["allOf"];
    if (!Array.isArray(parts)) return schema;
    return parts
      .map((part) => this.#resolve(asSchema(part)))
      .reduce(mergeSchemas, { ...schema, allOf: undefined });
  }

  #lookUp(reference: string): Schema {
    let target: Schema = this.#root;
    for (const step of reference.replace(/^#\/?/, "").split("/").filter(Boolean))
      target = asSchema(target[step]);
    return target;
  }

  #typeOf(schema: Schema): unknown {
    const type = schema["type"];
    if (Array.isArray(type)) return type.find((each) => each !== "null") ?? "null";
    return type ?? (schema["properties"] ? "object" : schema["items"] ? "array" : "string");
  }

  #objectFor(schema: Schema, depth: number): Record<string, unknown> {
    const required = Array.isArray(schema["required"]) ? schema["required"] : [];
    const properties = Object.entries(asSchema(schema["properties"]));
    const wanted = properties.filter(([key]) => depth < DEEPEST || required.includes(key));
    return Object.fromEntries(
      wanted.map(([key, value]) => [key, this.valueFor(asSchema(value), key, depth + 1)]),
    );
  }

  #arrayFor(schema: Schema, name: string, depth: number): unknown[] {
    const fewest = asNumber(schema["minItems"]) ?? (depth < DEEPEST ? 1 : 0);
    const most = asNumber(schema["maxItems"]) ?? Math.max(fewest, 2);
    const length = Math.max(fewest, Math.min(most, depth < DEEPEST ? 2 : 0));
    return Array.from({ length }, (_, index) =>
      this.valueFor(asSchema(schema["items"]), `${name} ${index}`, depth + 1),
    );
  }

  #numberFor(schema: Schema, name: string): number {
    const whole = this.#typeOf(schema) === "integer";
    const step = asNumber(schema["multipleOf"]) ?? (whole ? 1 : 0.01);
    const above = asNumber(schema["exclusiveMinimum"]);
    const below = asNumber(schema["exclusiveMaximum"]);
    const lowest = asNumber(schema["minimum"]) ?? (above === undefined ? 0 : above + step);
    const highest = asNumber(schema["maximum"]) ?? (below === undefined ? lowest + 100 * step : below - step);
    const first = Math.ceil(lowest / step - 1e-9);
    const steps = Math.max(0, Math.floor(highest / step + 1e-9) - first);
    const chosen = (first + (hashText(name + this.#text) % (steps + 1))) * step;
    return Number(chosen.toFixed(10));
  }

  #stringFor(schema: Schema, name: string): string {
    const hash = hashText(name + this.#text);
    switch (schema["format"]) {
      case "date-time":
        return `2026-01-${String(1 + (hash % 28)).padStart(2, "0")}T12:00:00Z`;
      case "date":
        return `2026-01-${String(1 + (hash % 28)).padStart(2, "0")}`;
      case "time":
        return "12:00:00Z";
      case "duration":
        return `PT${1 + (hash % 59)}M`;
      case "email":
        return `person${hash % 1000}@example.com`;
      case "uuid":
        return `00000000-0000-4000-8000-${hash.toString(16).padStart(12, "0").slice(-12)}`;
      case "uri":
        return `https://example.com/${hash % 1000}`;
      default:
        return this.#boundedText(schema, name, hash);
    }
  }

  #boundedText(schema: Schema, name: string, hash: number): string {
    const sentences = splitSentences(this.#text);
    const text = /summar|overview|answer/i.test(name)
      ? summarize(this.#text)
      : (sentences[hash % Math.max(1, sentences.length)] ?? "Not stated.");
    const longest = asNumber(schema["maxLength"]) ?? 240;
    return text.slice(0, longest).padEnd(asNumber(schema["minLength"]) ?? 0, ".");
  }

  #chooseValue(values: readonly unknown[]): unknown {
    const chosen = chooseLabel(values.map(String), this.#text);
    return values.find((value) => String(value) === chosen) ?? values[0];
  }
}

function mergeSchemas(left: Schema, right: Schema): Schema {
  const required = [left["required"], right["required"]].flatMap((names) =>
    Array.isArray(names) ? names : [],
  );
  const properties = { ...asSchema(left["properties"]), ...asSchema(right["properties"]) };
  return { ...left, ...right, properties, required };
}

function asSchema(value: unknown): Schema {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function asNumber(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
