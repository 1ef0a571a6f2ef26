import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { RetryableError } from "../domain/failures.ts";
import { type TenantId, tenantIdSchema } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { type Tenant, tenantSchema } from "../domain/tenant-policy.ts";
import { type Workload, WORKLOADS } from "../domain/workloads.ts";
import type { Tenants } from "../ports.ts";
import { type Decision, decideOnItem } from "./dynamo-decision.ts";
import { DynamoTable, type Item } from "./dynamo-table.ts";
import { parseStored } from "./stored-record.ts";
import { isStored, nextRevision } from "./tenant-revisions.ts";

/** Milliseconds for which a policy is used again, and the absence of one: a new tenant should not wait long. */
const KEPT_FOR = 30_000;
const ABSENCE_KEPT_FOR = 5_000;

/** Puts that may come between one's read and its write. */
const ROUNDS = 10;

function policyKey(tenantId: TenantId) {
  return { pk: `TENANT#${tenantId}`, sk: "POLICY" };
}

/** The partition of the tenants that have or had a workload on. */
function workloadKey(workload: Workload): string {
  return `WORKLOAD#${workload}`;
}

/** Padded, so that a query gives the revisions in order. */
function historyKey(tenant: Tenant) {
  const revision = String(tenant.revision).padStart(10, "0");
  return { pk: `TENANT#${tenant.policy.tenantId}`, sk: `POLICY#${revision}` };
}

function parseTenant(item: Item): Tenant {
  return parseStored(tenantSchema, item, `tenant ${String(item["pk"])}`);
}

/**
 * Tenants: `pk` = `TENANT#<id>`, `sk` = `POLICY` for the policy in force, `POLICY#<revision>` for those before it. Beside
 * them `pk` = `WORKLOAD#<name>`, `sk` = the tenant's id: where a workload's schedule looks for its tenants.
 */
export class DynamoTenants implements Tenants {
  readonly #table: DynamoTable;
  readonly #now: () => Instant;
  readonly #kept = new Map<TenantId, { readonly tenant: Tenant | undefined; readonly until: Instant }>();

  constructor(client: DynamoDBDocumentClient, tableName: string, now: () => Instant = Date.now) {
    this.#table = new DynamoTable(client, tableName);
    this.#now = now;
  }

  async get(tenantId: TenantId): Promise<Tenant | undefined> {
    const kept = this.#kept.get(tenantId);
    if (kept !== undefined && kept.until > this.#now()) return structuredClone(kept.tenant);
    const asked = this.#now();
    const tenant = await this.#read(tenantId);
    this.#kept.set(tenantId, { tenant, until: asked + (tenant ? KEPT_FOR : ABSENCE_KEPT_FOR) });
    return structuredClone(tenant);
  }

  async put(tenant: Tenant): Promise<void> {
    const { tenantId, workloads } = tenant.policy;
    // Before the policy: a workload that is on is always found, and one that is named and not on does no harm.
    for (const workload of WORKLOADS)
      if (workloads[workload] !== undefined)
        await this.#table.put({ pk: workloadKey(workload), sk: tenantId });
    for (let round = 0; round < ROUNDS; round++) {
      const before = await this.#read(tenantId);
      // History first: a revision is copied while it stands, so none is replaced without a copy.
      if (before !== undefined) await this.#table.put({ ...historyKey(before), ...before });
      const outcome = await this.#replace(tenant, before);
      if (outcome === "moved") continue;
      this.#kept.delete(tenantId);
      return;
    }
    throw new RetryableError(`the policy of ${tenantId} was changed by others ${ROUNDS} times in a row`);
  }

  async *list(): AsyncGenerator<Tenant> {
    const items = this.#table.scan({ text: "#sk = :sk", values: { ":sk": "POLICY" } });
    for await (const item of items) yield parseTenant(item);
  }

  async *withWorkload(workload: Workload): AsyncGenerator<TenantId> {
    const items = this.#table.query({ text: "#pk = :pk", values: { ":pk": workloadKey(workload) } });
    for await (const item of items) yield tenantIdSchema.parse(item["sk"]);
  }

  async #read(tenantId: TenantId): Promise<Tenant | undefined> {
    const item = await this.#table.get(policyKey(tenantId));
    return item && parseTenant(item);
  }

  /** Stores the tenant as the revision after `before`, unless that is no longer the one in force. */
  async #replace(tenant: Tenant, before: Tenant | undefined): Promise<"stored" | "moved"> {
    return decideOnItem({
      table: this.#table,
      key: policyKey(tenant.policy.tenantId),
      parse: parseTenant,
      toItem: (next) => next,
      decide: (current): Decision<Tenant, "stored" | "moved"> => {
        if (isStored(current, tenant)) return { answer: "stored" };
        if (current?.revision !== before?.revision) return { answer: "moved" };
        return { answer: "stored", next: nextRevision(current, tenant) };
      },
    });
  }
}
