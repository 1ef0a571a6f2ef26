import { isDeepStrictEqual } from "node:util";
import type { Tenant } from "../domain/tenant-policy.ts";

/** The tenant as it is stored next: the revision after the standing one, under the salt given first. */
export function nextRevision(current: Tenant | undefined, wanted: Tenant): Tenant {
  if (current === undefined) return { ...wanted, revision: 1 };
  return { ...wanted, salt: current.salt, revision: current.revision + 1 };
}

/** Whether this very put already happened: its repetition must make no further revision. */
export function isStored(current: Tenant | undefined, wanted: Tenant): boolean {
  return (
    current !== undefined &&
    current.updatedAt === wanted.updatedAt &&
    isDeepStrictEqual(current.policy, wanted.policy)
  );
}
