import type { BatchId, SegmentId } from "../lambdas/domain/ids.ts";

/** Stand for every id where the key of an object becomes the pattern of a permission. */
export const ANY_SEGMENT = "*" as SegmentId;
export const ANY_BATCH = "*" as BatchId;
