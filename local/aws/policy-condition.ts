import { arnWildcard, wildcard } from "./wildcard.ts";

/** What a request says about itself: context key → values. A key that does not apply is absent, not empty. */
export type ConditionContext = Readonly<Record<string, readonly string[]>>;

export type Test = (context: ConditionContext) => boolean;

// The keys that this endpoint fills in. A policy on any other key would be decided without its value, so it is refused
// when the role is registered.
const SINGLE_VALUED = ["aws:SecureTransport", "s3:prefix", "s3:delimiter"];
const MULTI_VALUED = ["dynamodb:LeadingKeys"];
const KNOWN_KEYS = new Map(
  [...SINGLE_VALUED, ...MULTI_VALUED].map((key) => [key.toLowerCase(), key] as const),
);

const COMPARISONS: Readonly<Record<string, (pattern: string) => (value: string) => boolean>> = {
  StringEquals: (pattern) => (value) => value === pattern,
  StringLike: (pattern) => wildcard(pattern),
  ArnEquals: arnWildcard,
  ArnLike: arnWildcard,
  Bool: (pattern) => (value) => value.toLowerCase() === pattern.toLowerCase(),
};

/**
 * Compiles one line of a Condition block, such as `"ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["TENANT#*"] }`.
 * Throws an Error on an operator or a key that is not supported.
 */
export function compileCondition(operator: string, key: string, patterns: readonly string[]): Test {
  const name = KNOWN_KEYS.get(key.toLowerCase());
  if (name === undefined) throw new Error(`condition key ${key} is not one that the local endpoint provides`);
  for (const pattern of patterns) {
    if (pattern.includes("${")) throw new Error(`policy variable in ${pattern} is not supported`);
  }
  if (operator === "Null") return isNull(name, patterns);
  const parsed = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator);
  const comparison = COMPARISONS[parsed?.[2] ?? ""];
  if (parsed === null || comparison === undefined)
    throw new Error(`condition operator ${operator} is not supported`);
  const quantifier = parsed[1];
  const isMultiValued = MULTI_VALUED.includes(name);
  if (isMultiValued && quantifier === undefined)
    throw new Error(`${name} has several values: use ForAllValues: or ForAnyValue: before ${operator}`);
  if (!isMultiValued && quantifier !== undefined)
    throw new Error(`${name} has a single value: ${quantifier} on it is true or false by accident`);
  const tests = patterns.map(comparison);
  const matches = (value: string): boolean => tests.some((test) => test(value));
  // With IfExists an absent key satisfies the line; without it only ForAllValues does, as AWS has it.
  const whenAbsent = parsed[3] === "IfExists" || quantifier === "ForAllValues";
  return (context) => {
    const values = context[name];
    if (values === undefined) return whenAbsent;
    return quantifier === "ForAllValues" ? values.every(matches) : values.some(matches);
  };
}

function isNull(key: string, patterns: readonly string[]): Test {
  const wanted = patterns.map((pattern) => pattern.toLowerCase() === "true");
  return (context) => wanted.includes(context[key] === undefined);
}
