import { compileCondition } from "./policy-condition.ts";
import type { ConditionContext, Test } from "./policy-condition.ts";
import { policyDocumentSchema } from "./policy-document.ts";
import type { PolicyDocument, Statement } from "./policy-document.ts";
import { arnWildcard, wildcard } from "./wildcard.ts";

/** One permission that a request needs. `resource` is an ARN, or `*` for actions that have none. */
export interface Access {
  readonly action: string;
  readonly resource: string;
  readonly context: ConditionContext;
}

type Decision = "allowed" | "explicitly-denied" | "not-allowed";

export interface Permissions {
  /** A Deny that applies wins over every Allow; what no statement allows is not allowed. */
  decide(access: Access): Decision;
}

type Applies = (access: Access) => boolean;

/**
 * Compiles identity policies once, so that a decision is a few pattern matches.
 * Throws an Error, naming what it cannot judge, on elements, operators and keys outside the supported subset.
 */
export function compilePermissions(policies: readonly PolicyDocument[]): Permissions {
  const statements = policies.flatMap((policy) => policyDocumentSchema.parse(policy).Statement);
  const denies = statements.filter((statement) => statement.Effect === "Deny").map(compileStatement);
  const allows = statements.filter((statement) => statement.Effect === "Allow").map(compileStatement);
  return {
    decide: (access) => {
      if (denies.some((applies) => applies(access))) return "explicitly-denied";
      return allows.some((applies) => applies(access)) ? "allowed" : "not-allowed";
    },
  };
}

function compileStatement(statement: Statement): Applies {
  const actions = statement.Action.map((pattern) => wildcard(pattern, { ignoreCase: true }));
  const resources = statement.Resource.map(arnWildcard);
  const conditions: Test[] = Object.entries(statement.Condition ?? {}).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => compileCondition(operator, key, values)),
  );
  return ({ action, resource, context }) =>
    actions.some((matches) => matches(action)) &&
    resources.some((matches) => matches(resource)) &&
    conditions.every((test) => test(context));
}
