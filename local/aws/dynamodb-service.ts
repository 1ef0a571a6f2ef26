import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { HeldResponse, replayRequest, sendAnswer } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { ERROR_STYLES } from "./aws-error.ts";
import { dynamodbAccesses, tableNameOf } from "./dynamodb-operation.ts";
import { splitBatch } from "./dynamodb-batch.ts";
import type { Serve } from "./emulators.ts";
import { hasCapacity } from "./meter.ts";
import { parseRequest, readJsonRequest } from "./service.ts";
import type { Call, JsonRequest, Service } from "./service.ts";

const createdSchema = z.object({
  TableDescription: z.object({
    TableName: z.string(),
    KeySchema: z.array(z.object({ AttributeName: z.string(), KeyType: z.string() })),
  }),
});
const describedSchema = z.object({ Table: z.object({ TableStatus: z.string() }) });
const tableSchema = z.object({ TableName: z.string() });

/** DynamoDB over dynalite. CreateTable answers when the table is ready. */
export class DynamodbService implements Service {
  readonly errors = ERROR_STYLES.dynamodb;
  readonly #emulator: Serve;
  readonly #isMetered: boolean;
  readonly #partitionKeys = new Map<string, string>();

  /** With `isMetered` every answer to a read or a write says what it consumed. */
  constructor(emulator: Serve, isMetered: boolean) {
    this.#emulator = emulator;
    this.#isMetered = isMetered;
  }

  async read(request: IncomingMessage): Promise<Call> {
    const json = this.#metered(await readJsonRequest(request));
    const { operation, input } = json;
    const call: Call = {
      operation: `dynamodb:${operation}`,
      input,
      accesses: dynamodbAccesses(operation, input, (table) => this.#partitionKeys.get(tableNameOf(table))),
      run: (response) => this.#run(request, json, response),
    };
    if (operation !== "BatchWriteItem" && operation !== "BatchGetItem") return call;
    return {
      ...call,
      runPartly: async (response) => {
        const batch = splitBatch(operation, input);
        const answer = batch.isEmpty
          ? { status: 200, headers: { "content-type": "application/x-amz-json-1.0" }, body: "{}" }
          : await this.#ask(request, operation, JSON.stringify(batch.kept));
        sendAnswer(response, answer.status === 200 ? batch.complete(answer) : answer);
      },
    };
  }

  #metered(json: JsonRequest): JsonRequest {
    if (!this.#isMetered || !hasCapacity(json.operation)) return json;
    const input = { ...json.input, ReturnConsumedCapacity: "TOTAL" };
    return { ...json, input, body: Buffer.from(JSON.stringify(input)) };
  }

  async #run(request: IncomingMessage, json: JsonRequest, response: ServerResponse): Promise<void> {
    switch (json.operation) {
      case "CreateTable": {
        const answer = await this.#ask(request, json.operation, json.body);
        if (answer.status === 200) await this.#awaitTable(request, answer);
        sendAnswer(response, answer);
        return;
      }
      case "DeleteTable":
        this.#partitionKeys.delete(tableNameOf(parseRequest(tableSchema, json.input).TableName));
        this.#emulator(replay(request, json.operation, json.body), response);
        return;
      default:
        this.#emulator(replay(request, json.operation, json.body), response);
    }
  }

  async #awaitTable(request: IncomingMessage, created: Answer): Promise<void> {
    const { TableName, KeySchema } = createdSchema.parse(
      JSON.parse(created.body.toString()),
    ).TableDescription;
    const partitionKey = KeySchema.find((key) => key.KeyType === "HASH");
    if (partitionKey !== undefined) this.#partitionKeys.set(TableName, partitionKey.AttributeName);
    for (;;) {
      const answer = await this.#ask(request, "DescribeTable", JSON.stringify({ TableName }));
      const { Table } = describedSchema.parse(JSON.parse(answer.body.toString()));
      if (Table.TableStatus === "ACTIVE") return;
    }
  }

  #ask(request: IncomingMessage, operation: string, body: Buffer | string): Promise<Answer> {
    const replayed = replay(request, operation, body);
    const held = new HeldResponse(replayed);
    this.#emulator(replayed, held);
    return held.answer;
  }
}

// dynalite wants to see a signed request, but checks nothing of the signature.
const SIGNED = {
  authorization: "AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=local",
  "x-amz-date": "20260101T000000Z",
  "content-type": "application/x-amz-json-1.0",
};

function replay(request: IncomingMessage, operation: string, body: Buffer | string): IncomingMessage {
  const headers = { ...SIGNED, "x-amz-target": `DynamoDB_20120810.${operation}` };
  return replayRequest(request, { url: "/", headers, body });
}
