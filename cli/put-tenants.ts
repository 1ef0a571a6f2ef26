import { randomBytes } from "node:crypto";
import { CreateQueueCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { STORED_POLICY_VERSION, type Tenant, type TenantPolicy } from "../lambdas/domain/tenant-policy.ts";
import type { Tenants } from "../lambdas/ports.ts";

/** Seconds for which a results queue keeps what its tenant does not read: SQS's longest, 14 days. */
const RESULTS_KEPT_SECONDS = 14 * 86_400;

export type PutTenantsOptions = {
  readonly tenants: Tenants;
  readonly sqs: SQSClient;
  readonly stackName: string;
  readonly now?: () => number;
};

/**
 * Stores tenants' policies, each as its next revision, and makes the results queue of each that names none:
 * `<stack>-results-<tenantId>`, encrypted. Putting the same file again changes nothing a tenant would notice.
 */
export async function putTenants(
  policies: readonly TenantPolicy[],
  { tenants, sqs, stackName, now = Date.now }: PutTenantsOptions,
): Promise<Tenant[]> {
  const stored: Tenant[] = [];
  for (const policy of policies) {
    const queueUrl = policy.delivery.queueUrl ?? (await makeResultsQueue(policy.tenantId, stackName, sqs));
    const before = await tenants.get(policy.tenantId);
    const tenant: Tenant = {
      version: STORED_POLICY_VERSION,
      policy: { ...policy, delivery: { ...policy.delivery, queueUrl } },
      // Job ids hang on the salt: it is made once and stays.
      salt: before?.salt ?? randomBytes(32).toString("base64url"),
      revision: (before?.revision ?? 0) + 1,
      updatedAt: now(),
    };
    await tenants.put(tenant);
    stored.push(tenant);
  }
  return stored;
}

/** Creating a queue that exists with the same attributes answers its URL. */
async function makeResultsQueue(tenantId: string, stackName: string, sqs: SQSClient): Promise<string> {
  const { QueueUrl: queueUrl } = await sqs.send(
    new CreateQueueCommand({
      QueueName: `${stackName}-results-${tenantId}`,
      Attributes: { MessageRetentionPeriod: String(RESULTS_KEPT_SECONDS), SqsManagedSseEnabled: "true" },
    }),
  );
  if (queueUrl === undefined) throw new Error(`SQS named no queue for tenant ${tenantId}`);
  return queueUrl;
}
