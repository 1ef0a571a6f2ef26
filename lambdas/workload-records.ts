import type { Decision, RecordKey, RecordKind } from "./domain/workload-record.ts";

/** What the workloads remember: records of their own kinds in one table, each read as its kind's schema knows it. */
export interface WorkloadRecords {
  get<Stored>(kind: RecordKind<Stored>, key: RecordKey): Promise<Stored | undefined>;
  /** Records under one `pk` whose `sk` begins with `prefix`, in the order of `sk`. */
  list<Stored>(kind: RecordKind<Stored>, pk: string, prefix?: string): AsyncIterable<Stored>;
  /** Applies a pure decision to one record, as if nobody else wrote it meanwhile: one conditional write. */
  decide<Stored, Answer>(
    kind: RecordKind<Stored>,
    key: RecordKey,
    decide: (current: Stored | undefined) => Decision<Stored, Answer>,
  ): Promise<Answer>;
}
