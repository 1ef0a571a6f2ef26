import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { MissingRecordError } from "../lambdas/domain/failures.ts";
import { STORED_POLICY_VERSION, type Tenant, type TenantPolicy } from "../lambdas/domain/tenant-policy.ts";
import type { Tenants } from "../lambdas/ports.ts";
import { ensureResultsQueue } from "./results-queue.ts";

/** 256 bits: nobody who sees job ids can try out tenants and keys. */
const SALT_BYTES = 32;

export type PutTenantsOptions = {
  readonly tenants: Tenants;
  readonly sqs: SQSClient;
  readonly stackName: string;
  readonly now?: () => number;
};

/** A tenant as it is stored now, and what putting it did. */
export type PutTenant = Tenant & { readonly change: "created" | "updated" | "unchanged" };

/**
 * Stores these policies: a new tenant gets its salt, a known one its next revision unless nothing changed. A tenant
 * whose results go to SQS without a `queueUrl` gets the queue `<stack>-results-<tenantId>`, made if need be. Tenants that
 * are not among `policies` stay as they are. Stops at the first failure; running it again goes on from there.
 */
export async function putTenants(
  policies: readonly TenantPolicy[],
  options: PutTenantsOptions,
): Promise<PutTenant[]> {
  const stored: PutTenant[] = [];
  for (const policy of policies) stored.push(await putTenant(policy, options));
  return stored;
}

async function putTenant(asked: TenantPolicy, options: PutTenantsOptions): Promise<PutTenant> {
  const { tenants, sqs, stackName, now = Date.now } = options;
  const { tenantId } = asked;
  const queueUrl =
    asked.delivery.queueUrl ?? (await ensureResultsQueue(sqs, `${stackName}-results-${tenantId}`));
  const policy: TenantPolicy = { ...asked, delivery: { ...asked.delivery, queueUrl } };
  const before = await tenants.get(tenantId);
  if (before !== undefined && isDeepStrictEqual(before.policy, policy))
    return { ...before, change: "unchanged" };
  await tenants.put({
    version: STORED_POLICY_VERSION,
    policy,
    // For a new tenant: one that is known keeps its salt, on which its job ids hang, and gets its next revision.
    salt: randomBytes(SALT_BYTES).toString("hex"),
    revision: 1,
    updatedAt: now(),
  });
  // Read back: which salt and revision stand is the store's to say.
  const after = await tenants.get(tenantId);
  if (after === undefined) throw new MissingRecordError(`tenant ${tenantId} was stored and is not there`);
  return { ...after, change: before === undefined ? "created" : "updated" };
}
