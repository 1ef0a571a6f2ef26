import { MissingRecordError } from "../domain/failures.ts";
import { type SettlementPlan, settlementPlanSchema } from "../domain/settlement-plan.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { ObjectStore } from "../ports.ts";

/** The plan of settling a batch. Throws MissingRecordError when it is not there. */
export async function readSettlement(key: string, objects: ObjectStore): Promise<SettlementPlan> {
  const bytes = await objects.get(key);
  if (bytes === undefined) throw new MissingRecordError(`${key} is missing`);
  return parseStoredJson(settlementPlanSchema, bytes);
}
