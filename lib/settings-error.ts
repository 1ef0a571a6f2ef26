import { z } from "zod";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/**
 * One line for each thing that is wrong with `value`: where it is, what stands there, and what is allowed. `root` is
 * what the reader calls the value as a whole.
 */
export function describeIssues(
  root: string,
  issues: readonly Issue[],
  value: unknown,
  schema: z.ZodType,
): string {
  const lines = issues.flatMap((issue) => describeIssue(root, issue, value, schema));
  return `these settings are wrong:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

function describeIssue(root: string, issue: Issue, value: unknown, schema: z.ZodType): string[] {
  const place = [root, ...issue.path.map(String)].join(".");
  if (issue.code === "unrecognized_keys") {
    const allowed = settingsAt(schema, issue.path).join(", ");
    return issue.keys.map((key) => `${place}.${key} is not a setting: there are ${allowed}`);
  }
  return [`${place} is ${show(valueAt(value, issue.path))}: ${issue.message}`];
}

function show(value: unknown): string {
  return value === undefined ? "not given" : JSON.stringify(value);
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}

/** The names of the settings in the object at `path`. */
function settingsAt(schema: z.ZodType, path: Path): string[] {
  const object = valueAt(
    z.toJSONSchema(schema, { io: "input" }),
    path.flatMap((key) => ["properties", key]),
  );
  return Object.keys(Object(valueAt(object, ["properties"])));
}
