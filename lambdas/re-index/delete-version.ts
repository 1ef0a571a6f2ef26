import type { TenantId } from "../domain/ids.ts";
import { VERSION_FILES, versionName } from "../domain/re-index/document-source.ts";
import type { Plan } from "../domain/re-index/index-files.ts";
import { vectorKey } from "../domain/re-index/vector-entry.ts";
import type { ReIndexPorts } from "./re-index-ports.ts";

/**
 * Deletes all that is kept of a version that no manifest names. Vectors first: its plan says which there are, and without
 * one they are deleted already.
 */
export async function deleteVersion(
  tenantId: TenantId,
  folder: string,
  plan: Plan | undefined,
  { objects, vectorIndex }: ReIndexPorts,
): Promise<void> {
  if (vectorIndex && plan) {
    const name = versionName(tenantId, folder);
    const keys = plan.chunks.map((_, number) => vectorKey(name, number));
    await vectorIndex.delete(tenantId, plan.model, keys);
  }
  await objects.delete(Object.values(VERSION_FILES).map((file) => `${folder}${file}`));
}
