import { expect } from "vitest";
import type { LedgerEntry } from "../../../lambdas/domain/ledger-entry.ts";
import type { ResultMessage } from "../../../lambdas/domain/result-message.ts";
import type { FaultBench } from "./fault-bench.ts";

/** Requests of each batch that the provider was given, in order. */
export function batchSizes(bench: FaultBench): number[] {
  return bench.simulator.batches().map(({ requests }) => requests);
}

/** At which of its attempts each job ended, in the order in which they were sent. */
export function attemptsOf(bench: FaultBench): number[] {
  return firstResults(bench).map(({ attempts }) => attempts);
}

/** Stands for the provider batch of what was called directly. */
const DIRECT = "direct";

type Settled = {
  /** How jobs came out that did not succeed: their error's code by key. */
  readonly failed?: Readonly<Record<string, string>>;
  /** Provider batches whose bill nobody can tell any more: the ledger has estimates for so many requests of them. */
  readonly unread?: { readonly batches: number; readonly requests: number };
  /** Direct calls that were never answered: the test sees to their bill by itself. */
  readonly lostCalls?: number;
  /** Files that the provider is left to expire, since it does not tell of their batch. */
  readonly filesLeft?: number;
  /** A provider batch that is somebody else's, and so is its bill. */
  readonly foreign?: string;
};

/**
 * What must hold whatever went wrong: every job ended once and its tenant was told the same each time, no file is left at
 * the provider, and for every provider batch the ledger's sum is the invoice's, as for the direct calls.
 */
export async function expectSettled(
  bench: FaultBench,
  { failed = {}, unread, lostCalls = 0, filesLeft = 0, foreign }: Settled = {},
): Promise<void> {
  await bench.settleDown();
  for (const key of bench.sent) {
    const { status, error } = await expectToldOnce(bench, key);
    const code = failed[key];
    const expected = code === undefined ? [key, "succeeded", undefined] : [key, "failed", code];
    expect([key, status, error?.code]).toEqual(expected);
  }
  expect(new Set(bench.results.map(({ idempotencyKey }) => idempotencyKey))).toEqual(new Set(bench.sent));
  expect(bench.simulator.files()).toHaveLength(filesLeft);
  const estimates = await expectMoneyRight(bench, foreign);
  expect(estimates.calls).toBe(lostCalls);
  expect(estimates.batches).toHaveLength(unread?.batches ?? 0);
  expect(requestsOf(bench, new Set(estimates.batches))).toBe(unread?.requests ?? 0);
}

/** Every result of the job says the same as its state, and an answer is the one to its own request. Returns the first. */
export async function expectToldOnce(bench: FaultBench, key: string): Promise<ResultMessage> {
  const [first, ...others] = resultsOf(bench, key);
  if (first?.jobId == null) throw new Error(`${key} was never answered`);
  for (const other of others) expect(other).toEqual(first);
  if (first.status === "succeeded") expect(JSON.stringify(first.response)).toContain(key);
  const { status, costPicoUsd } = first;
  const job = await bench.jobs.get(first.tenantId, first.jobId);
  expect(job).toMatchObject({ state: "ended", status, costPicoUsd });
  return first;
}

/**
 * The ledger equals the invoice for each provider batch and for the direct calls, save where it names estimates: returns
 * those provider batches and how many calls.
 */
export async function expectMoneyRight(
  bench: FaultBench,
  foreign?: string,
): Promise<{ readonly batches: readonly string[]; readonly calls: number }> {
  const entries = await bench.entries();
  const estimates = entries.filter(({ kind }) => kind === "unconfirmed");
  const unread = new Set(estimates.map(({ providerBatchId }) => providerBatchId ?? DIRECT));
  const read = (sums: ReadonlyMap<string, bigint>) => [...sums].filter(([id]) => !unread.has(id)).toSorted();
  const ours = read(invoiceSums(bench)).filter(([id]) => id !== foreign);
  expect(read(ledgerSums(entries))).toEqual(ours);
  const calls = estimates.filter(({ providerBatchId }) => providerBatchId === null).length;
  return { batches: [...unread].filter((id) => id !== DIRECT), calls };
}

/** Everything that a job's tenant was told about it. */
function resultsOf(bench: FaultBench, key: string): ResultMessage[] {
  return bench.results.filter(({ idempotencyKey }) => idempotencyKey === key);
}

/** The result of each job, in the order in which they were sent. */
export function firstResults(bench: FaultBench): ResultMessage[] {
  return bench.sent.flatMap((key) => resultsOf(bench, key).slice(0, 1));
}

/** Confirmed cost by provider batch, in pico-dollars. */
function ledgerSums(entries: readonly LedgerEntry[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { kind, providerBatchId, costPicoUsd } of entries) {
    if (kind !== "unconfirmed") add(sums, providerBatchId ?? DIRECT, costPicoUsd);
  }
  return sums;
}

function invoiceSums(bench: FaultBench): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { batchId, picoUsd } of bench.simulator.invoice().lines) add(sums, batchId ?? DIRECT, picoUsd);
  return sums;
}

function add(sums: Map<string, bigint>, id: string, picoUsd: string): void {
  sums.set(id, (sums.get(id) ?? 0n) + BigInt(picoUsd));
}

function requestsOf(bench: FaultBench, batchIds: ReadonlySet<string>): number {
  return bench.simulator
    .batches()
    .filter(({ id }) => batchIds.has(id))
    .reduce((sum, { requests }) => sum + requests, 0);
}
