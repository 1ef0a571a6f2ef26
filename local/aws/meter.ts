import { z } from "zod";
import type { Answer } from "./answer.ts";
import type { JsonInput } from "./service.ts";

/** What AWS bills requests by, counted as its price lists of November 2026 describe it. */
export type BilledUnits = {
  /** Of SQS: every 64 KiB of a request's messages, begun ones included. Polls that found nothing are left out. */
  readonly sqsRequests: number;
  /** Polls that found nothing. How many there are depends on the poller, which is another one on AWS. */
  readonly sqsEmptyReceives: number;
  /** Of DynamoDB on demand: 4 KiB read consistently, or twice that eventually; half a unit at least. */
  readonly dynamoReadUnits: number;
  /** 1 KiB written. A write whose condition failed is counted as one unit: the emulator does not say what it read. */
  readonly dynamoWriteUnits: number;
  /** Of S3: PUT, COPY, POST and LIST. */
  readonly s3Puts: number;
  /** Of S3: GET and HEAD. Deletions are free. */
  readonly s3Gets: number;
  readonly secretCalls: number;
  readonly emails: number;
};

export const NO_UNITS: BilledUnits = {
  sqsRequests: 0,
  sqsEmptyReceives: 0,
  dynamoReadUnits: 0,
  dynamoWriteUnits: 0,
  s3Puts: 0,
  s3Gets: 0,
  secretCalls: 0,
  emails: 0,
};

/** The units of two counts, added up. */
export function addUnits(a: BilledUnits, b: Partial<BilledUnits>): BilledUnits {
  const names = Object.keys(a) as (keyof BilledUnits)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + (b[name] ?? 0)])) as BilledUnits;
}

/** A request that was answered. Those of S3 have no input here: their bodies stream. */
export type Metered = {
  /** Service and API operation, such as `sqs:SendMessageBatch`. */
  readonly operation: string;
  readonly input?: JsonInput | undefined;
  readonly answer?: Answer | undefined;
};

/** Counts what requests would be billed by, for each role that made them. */
export class Meter {
  readonly #units = new Map<string | null, BilledUnits>();

  /** Role name → units so far; `null` stands for whoever is no role of the stack, such as the tenants' apps. */
  get units(): ReadonlyMap<string | null, BilledUnits> {
    return this.#units;
  }

  count(roleName: string | null, request: Metered): void {
    this.#units.set(roleName, addUnits(this.#units.get(roleName) ?? NO_UNITS, unitsOf(request)));
  }
}

/** What one request is billed by. */
function unitsOf({ operation, input = {}, answer }: Metered): Partial<BilledUnits> {
  const [service = "", name = ""] = operation.split(":");
  switch (service) {
    case "sqs":
      return sqsUnits(name, input, answer);
    case "dynamodb":
      return dynamoUnits(name, answer);
    case "s3":
      return s3Units(name);
    case "secretsmanager":
      return { secretCalls: 1 };
    case "ses":
      return { emails: 1 };
    default:
      return {};
  }
}

const SQS_CHUNK_BYTES = 64 * 1024;
const bodies = z.object({
  MessageBody: z.string().optional(),
  Entries: z.array(z.object({ MessageBody: z.string().optional() })).default([]),
});
const received = z.object({ Messages: z.array(z.object({ Body: z.string() })).default([]) });

function sqsUnits(name: string, input: JsonInput, answer: Answer | undefined): Partial<BilledUnits> {
  if (name === "ReceiveMessage" && answer?.status === 200) {
    const { Messages } = received.parse(JSON.parse(answer.body.toString()));
    if (Messages.length === 0) return { sqsEmptyReceives: 1 };
    return { sqsRequests: chunksOf(Messages.map(({ Body }) => Body)) };
  }
  if (!name.startsWith("SendMessage")) return { sqsRequests: 1 };
  const { MessageBody, Entries } = bodies.parse(input);
  return { sqsRequests: chunksOf([MessageBody, ...Entries.map((entry) => entry.MessageBody)]) };
}

function chunksOf(texts: readonly (string | undefined)[]): number {
  const bytes = texts.reduce((sum, text = "") => sum + Buffer.byteLength(text), 0);
  return Math.max(1, Math.ceil(bytes / SQS_CHUNK_BYTES));
}

const DYNAMO_READS = new Set(["GetItem", "BatchGetItem", "Query", "Scan"]);
const DYNAMO_WRITES = new Set(["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"]);
const capacity = z.object({ CapacityUnits: z.number() });
const consumed = z.object({
  ConsumedCapacity: z.union([capacity.transform((one) => [one]), z.array(capacity)]),
});

/** Whether DynamoDB says of an operation's answer what it consumed. */
export function hasCapacity(operation: string): boolean {
  return DYNAMO_READS.has(operation) || DYNAMO_WRITES.has(operation);
}

function dynamoUnits(name: string, answer: Answer | undefined): Partial<BilledUnits> {
  if (answer === undefined || !hasCapacity(name)) return {};
  const isRead = DYNAMO_READS.has(name);
  const { data } = consumed.safeParse(JSON.parse(answer.body.toString()));
  const units = data?.ConsumedCapacity.reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0) ?? 0;
  return isRead ? { dynamoReadUnits: Math.max(0.5, units) } : { dynamoWriteUnits: Math.max(1, units) };
}

function s3Units(name: string): Partial<BilledUnits> {
  if (/^(Delete|Abort)/.test(name)) return {};
  return /^(Get|Head)Object$/.test(name) ? { s3Gets: 1 } : { s3Puts: 1 };
}
