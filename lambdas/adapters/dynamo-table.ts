import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  BatchWriteCommand,
  type BatchWriteCommandInput,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  paginateQuery,
  paginateScan,
  PutCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import pMap from "p-map";
import { chunks } from "../domain/chunks.ts";
import { RetryableError } from "../domain/failures.ts";
import { backOff } from "./back-off.ts";

export type Item = Readonly<Record<string, unknown>>;
export type Key = { readonly pk: string; readonly sk?: string };

/** An expression of DynamoDB's. `#name` stands for the attribute `name`; `:value` for `values[":value"]`. */
export type Expression = { readonly text: string; readonly values?: Item };

type WriteRequest = NonNullable<BatchWriteCommandInput["RequestItems"]>[string][number];

const ABSENT: Expression = { text: "attribute_not_exists(#pk)" };

/** Keys in one BatchGetItem, puts in one BatchWriteItem: DynamoDB's limits. */
const READS_PER_CALL = 100;
const WRITES_PER_CALL = 25;
/** BatchGetItem calls under way at the same time: a whole window's jobs are read in hundreds of calls. */
const READS_AT_ONCE = 8;
/** Calls for what DynamoDB left unprocessed, backing off between them: some 4 s in all. */
const CALLS_PER_BATCH = 8;

/**
 * One table, keyed by `pk` and, where it has a sort key, `sk`. Every read is strongly consistent unless its
 * caller says otherwise: what a refused write is explained by, and what a step decides on, must be what stands.
 */
export class DynamoTable {
  readonly #client: DynamoDBDocumentClient;
  readonly #name: string;

  constructor(client: DynamoDBDocumentClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  async get(key: Key): Promise<Item | undefined> {
    const answer = await this.#client.send(
      new GetCommand({ TableName: this.#name, Key: key, ConsistentRead: true }),
    );
    return answer.Item;
  }

  async put(item: Item & Key): Promise<void> {
    await this.#client.send(new PutCommand({ TableName: this.#name, Item: item }));
  }

  /** Puts the item where the condition holds for what is there; false where it does not. */
  async putIf(item: Item & Key, condition: Expression = ABSENT): Promise<boolean> {
    return unlessRefused(
      this.#client.send(
        new PutCommand({
          TableName: this.#name,
          Item: item,
          ConditionExpression: condition.text,
          ExpressionAttributeNames: namesIn(condition.text),
          ExpressionAttributeValues: condition.values,
        }),
      ),
    );
  }

  /** Puts the item if nothing has its key; returns what stands under the key then, first put or not. */
  async putOnce(item: Item & Key): Promise<Item> {
    if (await this.putIf(item)) return item;
    const standing = await this.get(item.sk === undefined ? { pk: item.pk } : { pk: item.pk, sk: item.sk });
    if (standing === undefined) throw new RetryableError(`${item.pk} went away while it was read`);
    return standing;
  }

  async updateIf(key: Key, update: string, condition: Expression): Promise<boolean> {
    return unlessRefused(
      this.#client.send(
        new UpdateCommand({
          TableName: this.#name,
          Key: key,
          UpdateExpression: update,
          ConditionExpression: condition.text,
          ExpressionAttributeNames: namesIn(`${update} ${condition.text}`),
          ExpressionAttributeValues: condition.values,
        }),
      ),
    );
  }

  async delete(key: Key): Promise<void> {
    await this.#client.send(new DeleteCommand({ TableName: this.#name, Key: key }));
  }

  async deleteIf(key: Key, condition: Expression): Promise<boolean> {
    return unlessRefused(
      this.#client.send(
        new DeleteCommand({
          TableName: this.#name,
          Key: key,
          ConditionExpression: condition.text,
          ExpressionAttributeNames: namesIn(condition.text),
          ExpressionAttributeValues: condition.values,
        }),
      ),
    );
  }

  /** Items of one partition in the order of their sort keys. */
  async *query(condition: Expression): AsyncGenerator<Item> {
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#name,
        KeyConditionExpression: condition.text,
        ExpressionAttributeNames: namesIn(condition.text),
        ExpressionAttributeValues: condition.values,
        ConsistentRead: true,
      },
    );
    for await (const page of pages) yield* page.Items ?? [];
  }

  /** Items of the whole table that pass the filter, in no order. Reads everything: for operators' tools. */
  async *scan(filter: Expression): AsyncGenerator<Item> {
    const pages = paginateScan(
      { client: this.#client },
      {
        TableName: this.#name,
        FilterExpression: filter.text,
        ExpressionAttributeNames: namesIn(filter.text),
        ExpressionAttributeValues: filter.values,
        ConsistentRead: true,
      },
    );
    for await (const page of pages) yield* page.Items ?? [];
  }

  /** Items that stand under some of these distinct keys, in no order; `consistent: false` at half the price. */
  async getAll(keys: readonly Key[], { consistent } = { consistent: true }): Promise<Item[]> {
    const items: Item[] = [];
    const read = async (left: readonly Item[]): Promise<readonly Item[]> => {
      const request = { Keys: [...left], ConsistentRead: consistent };
      const answer = await this.#client.send(
        new BatchGetCommand({ RequestItems: { [this.#name]: request } }),
      );
      items.push(...(answer.Responses?.[this.#name] ?? []));
      return answer.UnprocessedKeys?.[this.#name]?.Keys ?? [];
    };
    const parts = chunks(keys, READS_PER_CALL);
    await pMap(parts, async (part) => untilProcessed<Item>(part, read), { concurrency: READS_AT_ONCE });
    return items;
  }

  /** Puts all items, whatever was under their distinct keys. */
  async putAll(items: readonly (Item & Key)[]): Promise<void> {
    for (const part of chunks(items, WRITES_PER_CALL)) {
      await untilProcessed<WriteRequest>(
        part.map((item) => ({ PutRequest: { Item: item } })),
        async (left) => {
          const answer = await this.#client.send(
            new BatchWriteCommand({ RequestItems: { [this.#name]: [...left] } }),
          );
          return answer.UnprocessedItems?.[this.#name] ?? [];
        },
      );
    }
  }
}

/** The attribute names that an expression's `#name`s stand for. */
function namesIn(text: string): Record<string, string> {
  const names: Record<string, string> = {};
  for (const [placeholder, name] of text.matchAll(/#(\w+)/g)) if (name) names[placeholder] = name;
  return names;
}

async function unlessRefused(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Calls again with what was left over, until nothing is. Throws RetryableError when something stays. */
async function untilProcessed<Request>(
  requests: readonly Request[],
  call: (left: readonly Request[]) => Promise<readonly Request[]>,
): Promise<void> {
  let left = requests;
  for (let number = 1; number <= CALLS_PER_BATCH; number++) {
    if (number > 1) await backOff(number - 1);
    left = await call(left);
    if (left.length === 0) return;
  }
  throw new RetryableError(`DynamoDB left ${left.length} requests unprocessed`);
}
