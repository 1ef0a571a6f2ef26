import { VERSION_FILES } from "../domain/re-index/document-source.ts";
import { type Plan, planSchema } from "../domain/re-index/index-files.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { ReIndexPorts } from "./re-index-ports.ts";

/** The plan of a version; undefined when the version is deleted. */
export async function loadPlan(
  folder: string,
  { objects }: Pick<ReIndexPorts, "objects">,
): Promise<Plan | undefined> {
  const bytes = await objects.get(`${folder}${VERSION_FILES.plan}`);
  return bytes && parseStoredJson(planSchema, bytes);
}
