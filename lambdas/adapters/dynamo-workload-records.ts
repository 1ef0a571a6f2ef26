import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Decision, RecordKey, RecordKind } from "../domain/workload-record.ts";
import type { WorkloadRecords } from "../workload-records.ts";
import { decideOnItem } from "./dynamo-decision.ts";
import { DynamoTable, type Item } from "./dynamo-table.ts";
import { parseStored } from "./stored-record.ts";

/** The workloads' table: `pk` and `sk` are the workloads' own, the record lies beside them, with `expiresAt`. */
export class DynamoWorkloadRecords implements WorkloadRecords {
  readonly #table: DynamoTable;

  constructor(client: DynamoDBDocumentClient, tableName: string) {
    this.#table = new DynamoTable(client, tableName);
  }

  async get<Stored>(kind: RecordKind<Stored>, key: RecordKey): Promise<Stored | undefined> {
    const item = await this.#table.get(key);
    return item && read(kind, item);
  }

  async *list<Stored>(kind: RecordKind<Stored>, pk: string, prefix = ""): AsyncGenerator<Stored> {
    const condition =
      prefix === ""
        ? { text: "#pk = :pk", values: { ":pk": pk } }
        : { text: "#pk = :pk AND begins_with(#sk, :sk)", values: { ":pk": pk, ":sk": prefix } };
    for await (const item of this.#table.query(condition)) yield read(kind, item);
  }

  async decide<Stored, Answer>(
    kind: RecordKind<Stored>,
    key: RecordKey,
    decide: (current: Stored | undefined) => Decision<Stored, Answer>,
  ): Promise<Answer> {
    return decideOnItem<Stored, Answer>({
      table: this.#table,
      key,
      parse: (item) => read(kind, item),
      toItem: (next) => ({ record: next, expiresAt: kind.expiresAt(next) }),
      decide,
    });
  }
}

function read<Stored>({ schema }: RecordKind<Stored>, item: Item): Stored {
  return parseStored(schema, item["record"], `${String(item["pk"])} ${String(item["sk"])}`);
}
