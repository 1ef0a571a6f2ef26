import { z } from "zod";
import {
  type AccountHold,
  accountHoldSchema,
  BATCH_RECORD_VERSION,
  type BatchRecord,
  batchRecordSchema,
  type PlannedBatch,
  plannedBatchSchema,
} from "../domain/batch-record.ts";
import { type BatchTime, batchTimeSchema } from "../domain/batch-time.ts";
import { type BatchId, batchIdSchema } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { AccountLock } from "./batch-decisions.ts";
import type { Expression, Item, Key } from "./dynamo-table.ts";
import { guardExpiry } from "./guard-expiry.ts";
import { parseStored } from "./stored-record.ts";

// The rows of the batches table that are about batches and their accounts: their keys, what they hold, and how they are
// read.

const planRowSchema = z.object({ version: z.literal(BATCH_RECORD_VERSION), plan: plannedBatchSchema });
const ownerSchema = z.object({ version: z.literal(1), batchId: batchIdSchema });
const lockSchema = z.object({ version: z.literal(1), owner: batchIdSchema, until: z.number() });
const timeSchema = batchTimeSchema.extend({ version: z.literal(1) });
const holdSchema = accountHoldSchema.extend({ version: z.literal(1) });

/** Longer than the month for which an operator looks back. */
const PLANNED_DAYS = 35;
/** Digits of a time in a sort key, so that keys sort as times do: milliseconds until the year 33658. */
const TIME_DIGITS = 15;

export function batchKey(id: BatchId): Key {
  return { pk: `BATCH#${id}`, sk: "BATCH" };
}

export function openKey({ batchId, group }: PlannedBatch): Key {
  return { pk: `OPEN#${group.account}`, sk: batchId };
}

export function ownerKey(account: string, providerBatchId: string): Key {
  return { pk: `PROVIDER#${account}`, sk: providerBatchId };
}

export function lockKey(account: string): Key {
  return { pk: `ACCOUNT#${account}`, sk: "lock" };
}

export function holdKey(account: string): Key {
  return { pk: `ACCOUNT#${account}`, sk: "hold" };
}

/** The row among its account's open batches. The expiry bounds what a row left behind could do to the headroom. */
export function openRow(plan: PlannedBatch, now: Instant): Item & Key {
  return { ...openKey(plan), version: BATCH_RECORD_VERSION, plan, expiresAt: guardExpiry(now) };
}

/** The row among its account's recent batches: the same whenever it is written. */
export function plannedRow(plan: PlannedBatch): Item & Key {
  return {
    pk: plannedPartition(plan.group.account),
    sk: `${timeKey(plan.plannedAt)}#${plan.batchId}`,
    version: BATCH_RECORD_VERSION,
    plan,
    expiresAt: Math.floor(plan.plannedAt / 1000) + PLANNED_DAYS * 86_400,
  };
}

export function openRows(account: string): Expression {
  return { text: "#pk = :pk", values: { ":pk": `OPEN#${account}` } };
}

/** Batches planned at or after `from` and before `until`, which must be later: a row's key is longer than its time's. */
export function plannedRows(account: string, from: Instant, until: Instant): Expression {
  return {
    text: "#pk = :pk AND #sk BETWEEN :from AND :until",
    values: { ":pk": plannedPartition(account), ":from": timeKey(from), ":until": timeKey(until) },
  };
}

/** How long a batch took, among the times of its account: the same whenever it is written. */
export function timeRow(account: string, time: BatchTime): Item & Key {
  return {
    pk: timesPartition(account),
    sk: `${timeKey(time.endedAt)}#${time.batchId}`,
    version: 1,
    ...time,
    expiresAt: Math.floor(time.endedAt / 1000) + PLANNED_DAYS * 86_400,
  };
}

export function timeRows(account: string, since: Instant): Expression {
  return {
    text: "#pk = :pk AND #sk >= :since",
    values: { ":pk": timesPartition(account), ":since": timeKey(since) },
  };
}

export function parseTime(item: Item): BatchTime {
  const { version: _version, ...time } = parseStored(
    timeSchema,
    item,
    `${String(item["pk"])} ${String(item["sk"])}`,
  );
  return time;
}

export function parseBatch(item: Item): BatchRecord {
  return parseStored(batchRecordSchema, item, String(item["pk"]));
}

export function parsePlanRow(item: Item): PlannedBatch {
  return parseStored(planRowSchema, item, `${String(item["pk"])} ${String(item["sk"])}`).plan;
}

export function parseOwner(item: Item): BatchId {
  return parseStored(ownerSchema, item, `owner of ${String(item["sk"])}`).batchId;
}

export function parseLock(item: Item): AccountLock {
  return parseStored(lockSchema, item, `lock of ${String(item["pk"])}`);
}

export function parseHold(item: Item): AccountHold {
  const { until, code, message } = parseStored(holdSchema, item, `hold of ${String(item["pk"])}`);
  return { until, code, message };
}

function timesPartition(account: string): string {
  return `TIMES#${account}`;
}

function plannedPartition(account: string): string {
  return `PLANNED#${account}`;
}

function timeKey(time: Instant): string {
  const latest = 10 ** TIME_DIGITS - 1;
  return String(Math.min(Math.max(time, 0), latest)).padStart(TIME_DIGITS, "0");
}
