import { z } from "zod";
import type { LocalAws, PolicyDocument, Principal } from "../aws/local-aws.ts";
import { compilePermissions, type Permissions } from "../aws/permissions.ts";
import { policyDocumentSchema } from "../aws/policy-document.ts";
import { BUILT_TYPES } from "./resource-types.ts";
import type { NamedResource, StackResources } from "./stack-resources.ts";

const inline = z.array(z.object({ PolicyDocument: z.unknown() })).default([]);
const attached = z.object({ Roles: z.array(z.string()).default([]), PolicyDocument: z.unknown() });

/**
 * The roles of a stack, each with an access key once somebody takes it on. Managed policies do not count: the ones that
 * CDK attaches are about logs.
 */
export class Roles {
  readonly #aws: LocalAws;
  readonly #resources: () => StackResources;
  readonly #principals = new Map<string, Principal>();

  /** `resources` is asked for late, since references to roles are part of it. */
  constructor(aws: LocalAws, resources: () => StackResources) {
    this.#aws = aws;
    this.#resources = resources;
  }

  /** The role with this ARN. Throws when it is not in the stack or has a policy that cannot be judged. */
  byArn(arn: string): Principal {
    return this.of(this.#resources().find(BUILT_TYPES.role, arn));
  }

  of(role: NamedResource): Principal {
    const known = this.#principals.get(role.name);
    if (known !== undefined) return known;
    const principal = this.#aws.registerPrincipal({ roleName: role.name, policies: this.#policiesOf(role) });
    this.#principals.set(role.name, principal);
    return principal;
  }

  /** What the role with this ARN may do. */
  permissions(arn: string): Permissions {
    return compilePermissions(this.byArn(arn).policies);
  }

  #policiesOf(role: NamedResource): PolicyDocument[] {
    const resources = this.#resources();
    const own = inline.parse(resources.resolve(role.properties["Policies"]));
    const policies = resources
      .ofType(BUILT_TYPES.policy)
      .map(({ properties }) => attached.parse(resources.resolve(properties)))
      .filter(({ Roles: names }) => names.includes(role.name));
    return [...own, ...policies].map(({ PolicyDocument: document }) => {
      policyDocumentSchema.parse(document);
      return document as PolicyDocument;
    });
  }
}
