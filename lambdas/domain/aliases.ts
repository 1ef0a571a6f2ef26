import type { JobHeader } from "./job-record.ts";
import type { PriceRow } from "./price-row.ts";
import { findPrice, isKnownModel } from "./prices.ts";
import type { TenantPolicy } from "./tenant-policy.ts";
import type { Tier } from "./vocabulary.ts";

/** The model that a request runs on; `alias` and the `route` taken where it named an alias of its tenant's. */
export type ResolvedModel = {
  readonly model: string;
  readonly alias?: NonNullable<JobHeader["alias"]>;
  /** As the policy writes it: `fast.low`, or `fast.default` where the tier has no route of its own. */
  readonly route?: string;
};

/**
 * What a request's `model` stands for: an alias is followed once, by the job's tier; any other name is itself. An alias
 * goes before a model of the same name, which a later release may know: what a tenant's requests run on is the
 * tenant's to change.
 */
export function resolveModel(asked: string, tier: Tier, routes: TenantPolicy["routes"]): ResolvedModel {
  const route = Object.hasOwn(routes, asked) ? routes[asked] : undefined;
  if (route === undefined) return { model: asked };
  const own = route[tier];
  return {
    model: own ?? route.default,
    alias: { name: asked, defaultModel: route.default },
    route: `${asked}.${own === undefined ? "default" : tier}`,
  };
}

/**
 * The price at once of the model that a job's alias stands for when no tier is looked at, on the UTC day of `at`. Undefined
 * without an alias, and where that model is not sold at the job's endpoint or has no price: then nothing can be compared.
 */
export function defaultModelPrice(
  { alias, group }: Pick<JobHeader, "alias" | "group">,
  at: number,
): PriceRow | undefined {
  if (alias === undefined || !isKnownModel(group.provider, group.endpoint, alias.defaultModel))
    return undefined;
  return findPrice(alias.defaultModel, "sync", at);
}
