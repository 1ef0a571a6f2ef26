import type { TenantId } from "../domain/ids.ts";
import type { ByteRange, Delivery } from "../domain/internal-messages.ts";
import { encodeLine } from "../domain/jsonl.ts";
import type { StoredResult } from "../domain/result-message.ts";

/** Where one result lies within its tenant's object. */
export type PackedResult<Item> = ByteRange & { readonly item: Item };

/** One tenant's results as one object, and the place of each. */
export type TenantResults<Item> = {
  readonly tenantId: TenantId;
  readonly text: string;
  readonly results: readonly PackedResult<Item>[];
};

/** Packs results by tenant, in the order given: one object per tenant, one line per result. */
export function packResults<Item>(
  items: readonly Item[],
  resultOf: (item: Item) => StoredResult,
): TenantResults<Item>[] {
  const tenants = new Map<TenantId, { lines: string[]; size: number; results: PackedResult<Item>[] }>();
  for (const item of items) {
    const result = resultOf(item);
    const text = encodeLine(result);
    const length = Buffer.byteLength(text);
    const tenant = tenants.get(result.tenantId) ?? { lines: [], size: 0, results: [] };
    tenant.lines.push(text);
    tenant.results.push({ offset: tenant.size, length, item });
    tenant.size += length;
    tenants.set(result.tenantId, tenant);
  }
  return [...tenants].map(([tenantId, { lines, results }]) => ({ tenantId, text: lines.join(""), results }));
}

/** The delivery of the results that stand; none when no result of the object does. */
export function deliveryOf<Item>(
  tenant: TenantResults<Item>,
  key: string,
  standing: readonly PackedResult<Item>[],
): Delivery | undefined {
  const { tenantId } = tenant;
  if (standing.length === 0) return undefined;
  if (standing.length === tenant.results.length) return { version: 1, kind: "object", tenantId, key };
  const lines = standing.map(({ offset, length }) => ({ offset, length }));
  return { version: 1, kind: "lines", tenantId, key, lines };
}
