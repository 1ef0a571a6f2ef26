import type { ResultMessage } from "../lambdas/domain/result-message.ts";

/** Whether a result may still be passed off as current: it says until when, or that it does not expire. */
export function isFresh(result: Pick<ResultMessage, "effectiveUntil">, now: Date): boolean {
  return result.effectiveUntil === null || now.getTime() < Date.parse(result.effectiveUntil);
}

/** Whether a result is at most `seconds` old, whatever it says of itself. */
export function isWithin(result: Pick<ResultMessage, "producedAt">, seconds: number, now: Date): boolean {
  return now.getTime() - Date.parse(result.producedAt) <= seconds * 1000;
}
