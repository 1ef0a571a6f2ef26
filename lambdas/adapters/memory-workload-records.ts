import type { Decision, RecordKey, RecordKind } from "../domain/workload-record.ts";
import type { WorkloadRecords } from "../workload-records.ts";
import { byBytes } from "./byte-order.ts";

export class MemoryWorkloadRecords implements WorkloadRecords {
  /** JSON by `sk` by `pk`. */
  readonly #partitions = new Map<string, Map<string, string>>();

  async get<Stored>(kind: RecordKind<Stored>, { pk, sk }: RecordKey): Promise<Stored | undefined> {
    return this.#read(kind, this.#partitions.get(pk)?.get(sk));
  }

  async *list<Stored>(kind: RecordKind<Stored>, pk: string, prefix = ""): AsyncGenerator<Stored> {
    const found = [...(this.#partitions.get(pk) ?? [])].filter(([sk]) => sk.startsWith(prefix));
    for (const [, json] of found.toSorted(([a], [b]) => byBytes(a, b)))
      yield kind.schema.parse(JSON.parse(json));
  }

  async decide<Stored, Answer>(
    kind: RecordKind<Stored>,
    { pk, sk }: RecordKey,
    decide: (current: Stored | undefined) => Decision<Stored, Answer>,
  ): Promise<Answer> {
    const partition = this.#partitions.get(pk) ?? new Map<string, string>();
    const { answer, next } = decide(this.#read(kind, partition.get(sk)));
    if (next !== undefined) this.#partitions.set(pk, partition.set(sk, JSON.stringify(next)));
    return answer;
  }

  #read<Stored>(kind: RecordKind<Stored>, json: string | undefined): Stored | undefined {
    return json === undefined ? undefined : kind.schema.parse(JSON.parse(json));
  }
}
