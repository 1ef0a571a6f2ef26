import { z } from "zod";
import { tableArn } from "./account.ts";
import { AwsError } from "./aws-error.ts";
import type { Access } from "./permissions.ts";
import { access, parseRequest, unmapped } from "./service.ts";
import type { JsonInput } from "./service.ts";

/** The name of a table's partition key attribute; undefined when there is no such table. */
export type PartitionKeyOf = (table: string) => string | undefined;

const itemSchema = z.record(z.string(), z.unknown());
const tableSchema = z.object({ TableName: z.string() });
const batchGetSchema = z.object({
  RequestItems: z.record(z.string(), z.looseObject({ Keys: z.array(itemSchema) })),
});
const batchWriteSchema = z.object({
  RequestItems: z.record(
    z.string(),
    z.array(
      z.object({
        PutRequest: z.object({ Item: itemSchema }).optional(),
        DeleteRequest: z.object({ Key: itemSchema }).optional(),
      }),
    ),
  ),
});
const querySchema = z.object({
  TableName: z.string(),
  IndexName: z.undefined("secondary indexes are not mapped to permissions here").optional(),
  KeyConditionExpression: z.string("legacy KeyConditions are not mapped to permissions here"),
  ExpressionAttributeNames: z.record(z.string(), z.string()).default({}),
  ExpressionAttributeValues: itemSchema.default({}),
});
const keyValueSchema = z.union([
  z.object({ S: z.string() }).transform(({ S }) => S),
  z.object({ N: z.string() }).transform(({ N }) => N),
  z.object({ B: z.string() }).transform(({ B }) => B),
]);

type Item = z.output<typeof itemSchema>;

const KEYED = z.object({ TableName: z.string(), Key: itemSchema });
const WITH_ITEM = z.object({ TableName: z.string(), Item: itemSchema });

/** The permissions that a DynamoDB operation needs, with the partition keys it touches as `dynamodb:LeadingKeys`. */
export function dynamodbAccesses(
  operation: string,
  input: JsonInput,
  partitionKeyOf: PartitionKeyOf,
): Access[] {
  const onItems = (table: string, items: readonly Item[]): Access => {
    const name = partitionKeyOf(table);
    const keys = name === undefined ? [] : items.map((item) => keyValue(item[name]));
    return withLeadingKeys(operation, table, keys);
  };
  switch (operation) {
    case "GetItem":
    case "UpdateItem":
    case "DeleteItem": {
      const { TableName, Key } = parseRequest(KEYED, input);
      return [onItems(TableName, [Key])];
    }
    case "PutItem": {
      const { TableName, Item } = parseRequest(WITH_ITEM, input);
      return [onItems(TableName, [Item])];
    }
    case "BatchGetItem": {
      const { RequestItems } = parseRequest(batchGetSchema, input);
      return Object.entries(RequestItems).map(([table, { Keys }]) => onItems(table, Keys));
    }
    case "BatchWriteItem": {
      const { RequestItems } = parseRequest(batchWriteSchema, input);
      return Object.entries(RequestItems).map(([table, requests]) =>
        onItems(
          table,
          requests.map((request) => request.PutRequest?.Item ?? request.DeleteRequest?.Key ?? {}),
        ),
      );
    }
    case "Query":
      return [queryAccess(input, partitionKeyOf)];
    case "Scan":
    case "CreateTable":
    case "DeleteTable":
    case "DescribeTable":
    case "DescribeTimeToLive":
    case "UpdateTable":
      return [
        access(`dynamodb:${operation}`, tableArn(tableNameOf(parseRequest(tableSchema, input).TableName))),
      ];
    case "ListTables":
      return [access("dynamodb:ListTables", "*")];
    default:
      throw unmapped(`dynamodb:${operation}`);
  }
}

function withLeadingKeys(operation: string, table: string, keys: readonly string[]): Access {
  const arn = tableArn(tableNameOf(table));
  // A table that does not exist has no leading keys to check; the emulator answers that it is missing.
  if (keys.length === 0) return access(`dynamodb:${operation}`, arn);
  return access(`dynamodb:${operation}`, arn, { "dynamodb:LeadingKeys": keys });
}

/** TableName may be an ARN. */
export function tableNameOf(table: string): string {
  return table.slice(table.lastIndexOf("/") + 1);
}

function keyValue(value: unknown): string {
  const parsed = keyValueSchema.safeParse(value);
  if (!parsed.success) throw new AwsError("ValidationException", "the item has no valid partition key");
  return parsed.data;
}

function queryAccess(input: JsonInput, partitionKeyOf: PartitionKeyOf): Access {
  const query = parseRequest(querySchema, input);
  const name = partitionKeyOf(query.TableName);
  if (name === undefined) return withLeadingKeys("Query", query.TableName, []);
  for (const [, operand = "", value = ""] of query.KeyConditionExpression.matchAll(
    /([#\w.-]+)\s*=\s*(:\w+)/g,
  )) {
    if ((query.ExpressionAttributeNames[operand] ?? operand) === name)
      return withLeadingKeys("Query", query.TableName, [keyValue(query.ExpressionAttributeValues[value])]);
  }
  throw new AwsError("ValidationException", `the key condition does not fix the partition key ${name}`);
}
