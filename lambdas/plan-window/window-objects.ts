import type { z } from "zod";
import {
  type FrozenWindow,
  frozenWindowSchema,
  type WindowPlan,
  windowPlanSchema,
} from "../domain/batch-record.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { WindowId } from "../domain/ids.ts";
import { windowObjectKey } from "../domain/object-keys.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { ObjectStore, Windows } from "../ports.ts";

export type WindowPorts = { readonly objects: ObjectStore; readonly windows: Windows };

/** The window's frozen list: of those ever written, the one that the conditional write picked. */
export function readFrozen(windowId: WindowId, ports: WindowPorts): Promise<FrozenWindow> {
  return readSettled(windowId, "frozen", frozenWindowSchema, ports);
}

/** The window's plan, as `readFrozen`. Throws MissingRecordError when there is none yet. */
export function readPlan(windowId: WindowId, ports: WindowPorts): Promise<WindowPlan> {
  return readSettled(windowId, "plan", windowPlanSchema, ports);
}

async function readSettled<Schema extends z.ZodType>(
  windowId: WindowId,
  what: "frozen" | "plan",
  schema: Schema,
  { objects, windows }: WindowPorts,
): Promise<z.output<Schema>> {
  const hash = await windows.settled(windowId, what);
  if (hash === undefined) throw new MissingRecordError(`window ${windowId} has no ${what} list`);
  const key = windowObjectKey(windowId, what, hash);
  const bytes = await objects.get(key);
  if (bytes === undefined) throw new MissingRecordError(`${key} is missing`);
  return parseStoredJson(schema, bytes);
}
