import type { Instant } from "../instant.ts";
import type { DocumentRecord } from "./document-record.ts";

/** S3 tells when an object was written to the second; a document that was read within these was perhaps replaced after. */
const CLOCK_MS = 5_000;
/** A version that waits for its embeddings for so long is looked at again: low jobs are due within a day. */
const PENDING_MS = 26 * 3_600_000;
/** After which an embedding that failed is tried again. */
const FAILED_MS = 3_600_000;

/** How a tenant's documents are to be indexed: under which model, and whether in a vector index too. */
type Indexing = { readonly model: string; readonly inVectors: boolean };

/** Whether a document must be looked at: `writtenAt` is when its object was, undefined when there is none. */
export function needsCheck(
  record: DocumentRecord | undefined,
  writtenAt: Instant | undefined,
  { model, inVectors }: Indexing,
  now: Instant,
): boolean {
  if (writtenAt === undefined) return record !== undefined && record.state !== "removed";
  if (!record || record.state === "removed") return true;
  const { state, pending, ready, readAt } = record;
  // Its jobs are under way: what was replaced within the clocks' difference is seen once it is published.
  if (pending !== null) return writtenAt > readAt || pending.model !== model || readAt + PENDING_MS < now;
  if (writtenAt + CLOCK_MS > readAt) return true;
  if (state === "refused") return false;
  if (state === "failed") return readAt + FAILED_MS < now;
  const version = ready.find((each) => each.model === model);
  if (version === undefined || (inVectors && !version.inVectors)) return true;
  return version.effectiveUntil !== null && version.effectiveUntil <= now;
}
