import type { z } from "zod";

/** A request that the provider answers with an error: the parts that both providers' error bodies are made of. */
export interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly message: string;
  /** OpenAI only. */
  readonly code: string | null;
  /** OpenAI only: the parameter at fault. */
  readonly param: string | null;
}

/** Thrown by routes; the error handler of each provider renders it in that provider's shape. */
export class ProviderRefusal extends Error {
  override readonly name = "ProviderRefusal";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** An invalid request as OpenAI reports it. */
export function openAiRefusal(
  message: string,
  details: { status?: number; type?: string; code?: string | null; param?: string | null } = {},
): Refusal {
  const { status = 400, type = "invalid_request_error", code = null, param = null } = details;
  return { status, type, message, code, param };
}

const ANTHROPIC_TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** A refused request as Anthropic reports it: the type follows from the status. */
export function anthropicRefusal(message: string, status = 400): Refusal {
  return { status, type: ANTHROPIC_TYPES[status] ?? "api_error", message, code: null, param: null };
}

/** What a provider says when a fault injects an error: its usual words for that status, unless the fault gives others. */
export function injectedRefusal(
  provider: "openai" | "anthropic",
  fault: {
    readonly status: number;
    readonly code?: string | undefined;
    readonly message?: string | undefined;
  },
): Refusal {
  const { status } = fault;
  const usual = status === 429 ? "Rate limit reached. Please try again later." : "The server had an error.";
  const message = fault.message ?? usual;
  if (provider === "anthropic") return anthropicRefusal(message, status);
  const code = fault.code ?? (status === 429 ? "rate_limit_exceeded" : null);
  if (code === "insufficient_quota") return openAiRefusal(message, { status, type: code, code });
  if (status === 429) return openAiRefusal(message, { status, type: "requests", code });
  return openAiRefusal(message, {
    status,
    type: status < 500 ? "invalid_request_error" : "server_error",
    code,
  });
}

export function openAiErrorBody(refusal: Refusal): object {
  const { message, type, param, code } = refusal;
  return { error: { message, type, param, code } };
}

export function anthropicErrorBody(refusal: Refusal, requestId: string | null): object {
  return { type: "error", error: { type: refusal.type, message: refusal.message }, request_id: requestId };
}

/** The first problem of a body as OpenAI words it: a missing parameter, an unknown one, or one of the wrong type. */
export function openAiSchemaRefusal(error: z.ZodError, input: unknown): Refusal {
  const problem = firstProblem(error);
  const param = problem.path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  const name = param.replace(/^\./, "");
  if (problem.unknownKey !== null) {
    return openAiRefusal(`Unknown parameter: '${problem.unknownKey}'.`, {
      code: "unknown_parameter",
      param: problem.unknownKey,
    });
  }
  if (isAbsent(input, problem.path)) {
    return openAiRefusal(`Missing required parameter: '${name}'.`, {
      code: "missing_required_parameter",
      param: name,
    });
  }
  return openAiRefusal(`Invalid value for '${name}': ${problem.message}.`, {
    code: "invalid_value",
    param: name,
  });
}

/** The first problem of a body as Anthropic words it: the dotted path, then what is wrong. */
export function anthropicSchemaRefusal(error: z.ZodError, input: unknown, prefix = ""): Refusal {
  const problem = firstProblem(error);
  if (problem.unknownKey !== null) {
    return anthropicRefusal(`${prefix}${problem.unknownKey}: Extra inputs are not permitted`);
  }
  const name = prefix + problem.path.join(".");
  return anthropicRefusal(`${name}: ${isAbsent(input, problem.path) ? "Field required" : problem.message}`);
}

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly unknownKey: string | null;
}

function firstProblem(error: z.ZodError): Problem {
  const issue = error.issues[0];
  const path = (issue?.path ?? []).map((key) => (typeof key === "symbol" ? String(key) : key));
  const unknownKey = issue?.code === "unrecognized_keys" ? [...path, issue.keys[0]].join(".") : null;
  return { path, message: issue?.message ?? "invalid request", unknownKey };
}

function isAbsent(input: unknown, path: readonly (string | number)[]): boolean {
  let value: unknown = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return true;
    value = Reflect.get(value, key);
  }
  return value === undefined;
}
