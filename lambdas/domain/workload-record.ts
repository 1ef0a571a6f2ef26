import type { z } from "zod";

/** What a pure function says of a record as it stands: the answer, and the record to store, if any. */
export type Decision<Stored, Answer> = { readonly answer: Answer; readonly next?: Stored | undefined };

/** Where a record of a workload stands: `pk` names what is listed together, `sk` gives the order. */
export type RecordKey = { readonly pk: string; readonly sk: string };

/** One kind of record that a workload keeps. */
export type RecordKind<Stored> = {
  readonly schema: z.ZodType<Stored>;
  /** When a record may be forgotten, in seconds since the epoch; undefined: never. */
  readonly expiresAt: (record: Stored) => number | undefined;
};
