import { z } from "zod";

/** What references in a template stand for. Both throw for what they do not know. */
export interface References {
  /** The value of `Ref`: of a resource or a pseudo parameter. */
  ref(name: string): string;
  /** The value of `Fn::GetAtt`. */
  attribute(logicalId: string, name: string): string;
}

/** What `AWS::NoValue` resolves to: the property or item that holds it is left out. */
const NO_VALUE = Symbol("AWS::NoValue");

const join = z.tuple([z.string(), z.unknown()]);
const substitution = z.union([z.string(), z.tuple([z.string(), z.record(z.string(), z.unknown())])]);
const strings = z.array(z.string());

/** The value with all intrinsic functions resolved. Throws, naming it, for a function that it does not know. */
export function resolve(value: unknown, references: References): unknown {
  const resolved = resolveAny(value, references);
  return resolved === NO_VALUE ? undefined : resolved;
}

function resolveAny(value: unknown, references: References): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => resolveAny(item, references)).filter((item) => item !== NO_VALUE);
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first !== undefined && (first[0] === "Ref" || first[0].startsWith("Fn::"))) {
    return callIntrinsic(first[0], first[1], references);
  }
  const fields = entries.map(([key, inner]) => [key, resolveAny(inner, references)] as const);
  return Object.fromEntries(fields.filter(([, inner]) => inner !== NO_VALUE));
}

function callIntrinsic(name: string, argument: unknown, references: References): unknown {
  switch (name) {
    case "Ref":
      return argument === "AWS::NoValue" ? NO_VALUE : references.ref(z.string().parse(argument));
    case "Fn::GetAtt": {
      const [logicalId = "", ...attribute] =
        typeof argument === "string" ? argument.split(".") : strings.parse(argument);
      return references.attribute(logicalId, attribute.join("."));
    }
    case "Fn::Join": {
      const [delimiter, items] = join.parse(argument);
      return joinable(resolveAny(items, references)).join(delimiter);
    }
    case "Fn::Split": {
      const [delimiter, source] = join.parse(argument);
      return z.string().parse(resolveAny(source, references)).split(delimiter);
    }
    case "Fn::Select": {
      const [index, items] = z.tuple([z.coerce.number(), z.unknown()]).parse(argument);
      const chosen: unknown = z.array(z.unknown()).parse(resolveAny(items, references))[index];
      if (chosen === undefined) throw new Error(`Fn::Select finds nothing at ${index}`);
      return chosen;
    }
    case "Fn::Sub":
      return substitute(argument, references);
    default:
      throw new Error(`the intrinsic function ${name} cannot be resolved here`);
  }
}

function joinable(items: unknown): string[] {
  return z.array(z.union([z.string(), z.number(), z.boolean()]).transform(String)).parse(items);
}

/** `${!Literal}` stays as `${Literal}`. */
function substitute(argument: unknown, references: References): string {
  const parsed = substitution.parse(argument);
  const [text, own] = typeof parsed === "string" ? [parsed, {}] : parsed;
  const values = new Map(Object.entries(own).map(([key, value]) => [key, resolveAny(value, references)]));
  return text.replaceAll(/\$\{([^}]+)\}/g, (_match, name: string) => {
    if (name.startsWith("!")) return `\${${name.slice(1)}}`;
    if (values.has(name)) return String(values.get(name));
    const [logicalId = "", ...attribute] = name.split(".");
    return attribute.length === 0
      ? references.ref(name)
      : references.attribute(logicalId, attribute.join("."));
  });
}
