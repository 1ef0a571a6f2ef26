import { costOf } from "./cost.ts";
import { utcDate } from "./instant.ts";
import type { ManifestEntry } from "./job-record.ts";
import type { LedgerEntry } from "./ledger-entry.ts";
import type { PicoUsd } from "./money.ts";
import type { readOutputLine } from "./output-line.ts";
import type { PriceRow } from "./price-row.ts";
import { addUsage, NO_USAGE, type TokenUsage } from "./usage.ts";

// What a batch must have cost, worked out once more from the provider's own lines, and how the ledger differs from that.
// It shares nothing with settling but the reading of a line and the price of a token: what both did in the same wrong
// way, neither would find.

/** What tells the charges of a batch apart: a charge under another day or provider batch is another charge. */
const KEY_FIELDS = [
  "batchId",
  "providerBatchId",
  "date",
  "tenantId",
  "vertical",
  "agentId",
  "taskType",
  "provider",
  "model",
  "lane",
] as const satisfies readonly (keyof LedgerEntry)[];
export type ChargeKey = Pick<LedgerEntry, (typeof KEY_FIELDS)[number]>;

/** Sums over the answers of one key; amounts in pico-dollars. `jobs`: the answers that became their job's result. */
export type ChargeSum = {
  readonly answers: number;
  readonly jobs: number;
  readonly usage: TokenUsage;
  readonly cost: PicoUsd;
  readonly syncCost: PicoUsd;
};

const NO_CHARGE: ChargeSum = { answers: 0, jobs: 0, usage: NO_USAGE, cost: 0n, syncCost: 0n };

/** Sums by key, under the key's text. */
export class Charges {
  readonly #sums = new Map<string, { readonly key: ChargeKey; readonly sum: ChargeSum }>();

  /** Adds to what stands under the key. Returns the key's text. */
  add(key: ChargeKey, added: ChargeSum): string {
    const name = JSON.stringify(KEY_FIELDS.map((field) => key[field]));
    const sum = this.#sums.get(name)?.sum ?? NO_CHARGE;
    const next = {
      answers: sum.answers + added.answers,
      jobs: sum.jobs + added.jobs,
      usage: addUsage(sum.usage, added.usage),
      cost: sum.cost + added.cost,
      syncCost: sum.syncCost + added.syncCost,
    };
    this.#sums.set(name, { key: this.#sums.get(name)?.key ?? key, sum: next });
    return name;
  }

  /** Adds one ledger entry. */
  addEntry(entry: LedgerEntry): void {
    const { answers, jobs, usage } = entry;
    const cost = BigInt(entry.costPicoUsd);
    this.add(keyOf(entry), { answers, jobs, usage, cost, syncCost: BigInt(entry.syncCostPicoUsd) });
  }

  key(name: string): ChargeKey | undefined {
    return this.#sums.get(name)?.key;
  }

  sum(name: string): ChargeSum {
    return this.#sums.get(name)?.sum ?? NO_CHARGE;
  }

  get names(): readonly string[] {
    return [...this.#sums.keys()];
  }

  /** Pico-dollars of all keys. */
  get cost(): PicoUsd {
    return this.names.reduce((total, name) => total + this.sum(name).cost, 0n);
  }
}

/** The key alone, so that a sum does not hold on to the entry it came from. */
function keyOf(entry: LedgerEntry): ChargeKey {
  const { batchId, providerBatchId, date, tenantId, vertical, agentId, taskType, provider, model, lane } =
    entry;
  return { batchId, providerBatchId, date, tenantId, vertical, agentId, taskType, provider, model, lane };
}

export type ChargeDifference = {
  readonly key: ChargeKey;
  readonly expected: ChargeSum;
  readonly found: ChargeSum;
};

/** Every key under which the two differ, in the order of the keys. */
export function chargeDifferences(expected: Charges, found: Charges): ChargeDifference[] {
  const names = [...new Set([...expected.names, ...found.names])].toSorted();
  return names.flatMap((name) => {
    const key = expected.key(name) ?? found.key(name);
    const [wanted, standing] = [expected.sum(name), found.sum(name)];
    return key === undefined || sameSum(wanted, standing) ? [] : [{ key, expected: wanted, found: standing }];
  });
}

function sameSum(a: ChargeSum, b: ChargeSum): boolean {
  const fields = Object.keys(NO_USAGE) as (keyof TokenUsage)[];
  return (
    a.answers === b.answers &&
    a.jobs === b.jobs &&
    a.cost === b.cost &&
    a.syncCost === b.syncCost &&
    fields.every((field) => a.usage[field] === b.usage[field])
  );
}

/** One request of a batch. `answer`: what its answer costs, or null while no line answers it. */
export type BatchRequest = {
  readonly tenantId: ManifestEntry["job"]["tenantId"];
  readonly jobId: ManifestEntry["job"]["jobId"];
  readonly attempt: number;
  readonly charge: string;
  answer: PicoUsd | null;
};

/** What is fixed of a batch before any of its lines is read. */
export type BatchBill = {
  readonly batchId: string;
  readonly providerBatchId: string;
  /** When the provider ended the batch: the day under which its charges are filed. */
  readonly completedAt: number;
  readonly prices: { readonly batch: PriceRow; readonly sync: PriceRow };
};

/**
 * What a batch must have cost, by tenant and tags: give it the manifest first, then every line that the provider left, in
 * their order. A request is billed once, for the first line that answers it, whatever other lines say; a line for nobody's
 * request is billed to nobody. Holds a small record per request, never a line.
 */
export class BatchExpectation {
  readonly #bill: BatchBill;
  readonly #requests = new Map<string, BatchRequest>();
  readonly charges = new Charges();

  constructor(bill: BatchBill) {
    this.#bill = bill;
  }

  get requests(): Iterable<BatchRequest> {
    return this.#requests.values();
  }

  /** One entry of the manifest. */
  request({ customId, attempt, job }: ManifestEntry): void {
    const { batchId, providerBatchId, completedAt } = this.#bill;
    const { tenantId, jobId, vertical, agentId, taskType, group } = job;
    const { provider, model } = group;
    const tags = { tenantId, vertical, agentId, taskType, provider, model };
    const key = { ...tags, batchId, providerBatchId, date: utcDate(completedAt), lane: "batch" as const };
    const charge = this.charges.add(key, NO_CHARGE);
    this.#requests.set(customId, { tenantId, jobId, attempt, charge, answer: null });
  }

  /** One line of the provider's output or errors. */
  line(line: ReturnType<typeof readOutputLine>): void {
    if (line.kind !== "answered") return;
    const request = this.#requests.get(line.customId);
    if (request === undefined || request.answer !== null) return;
    const { usage } = line.answer;
    request.answer = costOf(usage, this.#bill.prices.batch);
    const syncCost = costOf(usage, this.#bill.prices.sync);
    this.#add(request, { answers: 1, jobs: 0, usage, cost: request.answer, syncCost });
  }

  /** The request's answer became its job's result. */
  won(request: BatchRequest): void {
    this.#add(request, { ...NO_CHARGE, jobs: 1 });
  }

  #add({ charge }: BatchRequest, added: ChargeSum): void {
    const key = this.charges.key(charge);
    if (key !== undefined) this.charges.add(key, added);
  }
}
