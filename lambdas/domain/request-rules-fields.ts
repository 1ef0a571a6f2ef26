import { z } from "zod";

/**
 * `stored_reference`: names something kept at the provider, where all tenants share one account;
 * `unpriced_feature`: billed by more than the priced tokens; `streaming`: answers come whole here;
 * `unsupported_field`: nothing we know; `invalid_request`: not a body the endpoint takes.
 */
export type RefusalCode =
  | "stored_reference"
  | "unpriced_feature"
  | "streaming"
  | "unsupported_field"
  | "invalid_request";

/** The rules of one endpoint. A top-level field in neither list is refused by name. */
export type EndpointRules = {
  /** Fields that go on to the provider as they came. */
  readonly kept: z.ZodRawShape;
  /** Fields that are accepted in a form that changes nothing, and left out. */
  readonly dropped: z.ZodRawShape;
  /** Fields that every body is sent with. */
  readonly forced: Readonly<Record<string, unknown>>;
};

/** JSON that belongs to the caller (schemas, tool arguments): names in it mean nothing to the provider. */
export const freeForm = z.record(z.string(), z.unknown());

/** A value that must pass `accepts`; otherwise the whole request is refused with `code` for `reason`. */
function ruled<Value>(accepts: (value: unknown) => boolean, code: RefusalCode, reason: string) {
  return z.custom<Value>(accepts, { error: reason, params: { refusal: code } });
}

/** A field that may be absent or null, but not used. */
export function refusedField(code: RefusalCode, reason: string) {
  return ruled<null>((value) => value === null, code, reason).optional();
}

/** A field that may be absent or one of `values`. */
export function onlyValues<const Value>(values: readonly Value[], code: RefusalCode, reason: string) {
  return ruled<Value>((value) => (values as readonly unknown[]).includes(value), code, reason).optional();
}

/** Text without which the object stands for something stored at the provider. */
export function requiredContent(reason: string) {
  return ruled<string>((value) => typeof value === "string", "stored_reference", reason);
}

/** Members of a union by `type` that are known and refused, so that the refusal can say why. */
export function refusedTypes(code: RefusalCode, reason: string, types: readonly [string, ...string[]]) {
  const type = z.literal(types).refine(() => false, { error: reason, params: { refusal: code } });
  return z.looseObject({ type });
}

/** A field that names an object kept at the provider. */
export const storedReference = refusedField(
  "stored_reference",
  "refers to something stored at the provider, which is shared by all tenants",
);

/** `stream`: false is what happens anyway. */
export const streamField = onlyValues([false, null], "streaming", "answers are never streamed here");
export const streamOptionsField = refusedField("streaming", "answers are never streamed here");

/** Names in JSON path form; indexes in brackets. */
function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

type Problem = { readonly code: RefusalCode; readonly path: readonly PropertyKey[]; readonly reason: string };

/** Most telling first: a body with several problems is refused for what the sender can least work around. */
const CODE_ORDER: readonly RefusalCode[] = [
  "stored_reference",
  "unpriced_feature",
  "streaming",
  "unsupported_field",
  "invalid_request",
];

function problemsOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): Problem[] {
  const path = [...above, ...issue.path];
  if (issue.code === "custom") {
    const given: unknown = issue.params?.["refusal"];
    const code = CODE_ORDER.find((known) => known === given) ?? "invalid_request";
    return [{ code, path, reason: issue.message }];
  }
  if (issue.code === "unrecognized_keys") {
    const reason = "is not a field that is accepted here";
    return issue.keys.map((key) => ({ code: "unsupported_field", path: [...path, key], reason }));
  }
  if (issue.code !== "invalid_union") return [{ code: "invalid_request", path, reason: issue.message }];
  const branches = issue.errors.map((branch) => branch.flatMap((inner) => problemsOf(inner, path)));
  // No branch at all: a union by `type` in which nothing has this one.
  return (
    closest(branches) ?? [
      { code: "unsupported_field", path, reason: "is of a kind that is not accepted here" },
    ]
  );
}

/** The branch of a union that the value was meant for: the one whose problems lie deepest. */
function closest(branches: readonly Problem[][]): Problem[] | undefined {
  const depth = (branch: Problem[]) => Math.max(0, ...branch.map((problem) => problem.path.length));
  return branches.toSorted((a, b) => depth(b) - depth(a))[0];
}

/** Why a body failed its schema, in one code and one sentence. */
export function refusalOf(error: z.ZodError): { readonly code: RefusalCode; readonly message: string } {
  const problems = error.issues.flatMap((issue) => problemsOf(issue, []));
  const [first] = problems.toSorted((a, b) => CODE_ORDER.indexOf(a.code) - CODE_ORDER.indexOf(b.code));
  if (!first) return { code: "invalid_request", message: "the request is of the wrong form" };
  return { code: first.code, message: `${pathText(first.path) || "the body"}: ${first.reason}` };
}
