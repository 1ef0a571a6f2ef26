import pMap from "p-map";
import { readSettlement } from "../collect-results/collect-results.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import { type ChargedAnswer, partLedgerEntries } from "../domain/ledger-entries.ts";
import { partResultKey } from "../domain/object-keys.ts";
import type { StoredResult } from "../domain/result-message.ts";
import { type AttemptSettlement, settleBatchLine } from "../domain/settle-line.ts";
import type { Delivery } from "../domain/internal-messages.ts";
import type { JobEnd } from "../domain/job-state.ts";
import type { Batches, DeliveryQueue, Ledger } from "../ports.ts";
import { deadLetter, type MovePorts, requeue } from "./move-on.ts";
import { deliveryOf, type PackedResult, packResults } from "./pack-results.ts";
import { type AttemptLine, readPart } from "./read-part.ts";

const WRITES_IN_FLIGHT = 64;

export type SettlePorts = MovePorts & {
  readonly batches: Batches;
  readonly ledger: Ledger;
  readonly deliveries: DeliveryQueue;
};

export type PartReport = { readonly ended: number; readonly retried: number; readonly deadLettered: number };

type Settled = AttemptLine & { readonly settlement: AttemptSettlement };
type Ending = AttemptLine & { readonly settlement: Extract<AttemptSettlement, { kind: "end" }> };

/**
 * Settles one part of a collected batch. What it comes to is a pure function of the plan and the part; its effects go
 * out in an order in which each may be repeated: results, job states, ledger, jobs that move on, deliveries. Settling
 * a part twice is settling it once.
 */
export async function settlePart(batchId: BatchId, part: number, ports: SettlePorts): Promise<PartReport> {
  const record = await ports.batches.get(batchId);
  if (!record?.settlementKey) throw new MissingRecordError(`batch ${batchId} was not collected`);
  const plan = await readSettlement(record.settlementKey, ports.objects);
  const step = `${batchId}-g${plan.generation}-p${part}`;
  const lines = await readPart(plan, part, record.plan.group.provider, ports.objects);
  const settled = lines.map((line): Settled => ({
    ...line,
    settlement: settleBatchLine(line.entry, line.outcome, record.plan, plan.completedAt),
  }));
  const keyOf = (tenant: StoredResult["tenantId"]) => partResultKey(tenant, batchId, plan.generation, part);
  const { answers, deliveries, ended } = await endJobs(settled.filter(isEnding), step, keyOf, ports);
  await ports.ledger.record(partLedgerEntries(answers, { ...plan, part }));
  const retried = await requeue(
    settled.flatMap(({ entry, settlement }) => (settlement.kind === "retry" ? [entry] : [])),
    step,
    ports,
  );
  const deadLettered = await deadLetter(
    settled.flatMap(({ entry, settlement }) =>
      settlement.kind === "dead-letter" ? [{ entry, reason: settlement.reason }] : [],
    ),
    step,
    ports,
  );
  await ports.deliveries.send(deliveries);
  return { ended, retried, deadLettered };
}

function isEnding(settled: Settled): settled is Ending {
  return settled.settlement.kind === "end";
}

type Endings = {
  readonly answers: readonly ChargedAnswer[];
  readonly deliveries: readonly Delivery[];
  readonly ended: number;
};

/**
 * Writes each tenant's results, then ends the jobs that are still to be ended by this step. Every billed answer is
 * charged, whichever attempt won its job; only what won is delivered.
 */
async function endJobs(
  endings: readonly Ending[],
  step: string,
  keyOf: (tenantId: StoredResult["tenantId"]) => string,
  ports: SettlePorts,
): Promise<Endings> {
  const tenants = packResults(endings, ({ settlement }) => settlement.result);
  await pMap(tenants, (tenant) => ports.objects.put(keyOf(tenant.tenantId), tenant.text), { concurrency: 8 });
  const answers: ChargedAnswer[] = [];
  const deliveries: Delivery[] = [];
  let ended = 0;
  for (const tenant of tenants) {
    const key = keyOf(tenant.tenantId);
    const outcomes = await pMap(
      tenant.results,
      (packed) => ports.jobs.end(jobEndOf(packed, key, step, ports)),
      {
        concurrency: WRITES_IN_FLIGHT,
      },
    );
    const standing = tenant.results.filter((_packed, number) => outcomes[number] === "won");
    ended += standing.length;
    const delivery = deliveryOf(tenant, key, standing);
    if (delivery) deliveries.push(delivery);
    const won = new Set(standing.map(({ item }) => item));
    for (const { item } of tenant.results) {
      const { charge } = item.settlement;
      if (charge) answers.push({ job: item.entry.job, charge, won: won.has(item) });
    }
  }
  return { answers, deliveries, ended };
}

function jobEndOf(
  { item, offset, length }: PackedResult<Ending>,
  key: string,
  step: string,
  ports: MovePorts,
): JobEnd {
  const { result } = item.settlement;
  const { tenantId, jobId } = item.entry.job;
  return {
    tenantId,
    jobId,
    attempt: item.entry.attempt,
    endedBy: step,
    status: result.status,
    result: { key, offset, length },
    costPicoUsd: result.costPicoUsd,
    producedAt: Date.parse(result.producedAt),
    effectiveUntil: result.effectiveUntil === null ? null : Date.parse(result.effectiveUntil),
    endedAt: ports.runtime.now(),
  };
}
