import { z } from "zod";
import { type WindowId, windowIdSchema } from "../domain/ids.ts";

/** The last window that took the head, and whether it holds it still. */
export const windowHeadSchema = z.object({
  version: z.literal(1),
  windowId: windowIdSchema,
  held: z.boolean(),
});
export type WindowHead = z.infer<typeof windowHeadSchema>;

/** Which window to work on, and the head as it is then, if it changes. Ids sort as windows follow one another. */
export function decideAcquire(
  head: WindowHead | undefined,
  wanted: WindowId,
): { readonly answer: WindowId | undefined; readonly next?: WindowHead } {
  if (head?.held) return { answer: head.windowId };
  if (head !== undefined && head.windowId >= wanted) return { answer: undefined };
  return { answer: wanted, next: { version: 1, windowId: wanted, held: true } };
}

/** The head after a window gave it back; undefined where it does not hold it. */
export function decideRelease(head: WindowHead | undefined, id: WindowId): WindowHead | undefined {
  return head?.held && head.windowId === id ? { ...head, held: false } : undefined;
}
