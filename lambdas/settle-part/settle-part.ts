import pMap from "p-map";
import { readSettlement } from "../collect-results/read-settlement.ts";
import type { BatchRecord } from "../domain/batch-record.ts";
import { MissingRecordError } from "../domain/failures.ts";
import { batchPolicy } from "../domain/failure-policy.ts";
import type { BatchId } from "../domain/ids.ts";
import type { Delivery } from "../domain/internal-messages.ts";
import type { JobEnd } from "../domain/job-state.ts";
import { type ChargedAnswer, partLedgerEntries } from "../domain/ledger-entries.ts";
import { partResultKey } from "../domain/object-keys.ts";
import type { StoredResult } from "../domain/result-message.ts";
import { type AttemptMove, type AttemptSettlement, settleBatchLine } from "../domain/settle-line.ts";
import { MAX_PART_LINES } from "../domain/settlement-fold.ts";
import type { SettlementPlan } from "../domain/settlement-plan.ts";
import type { Batches, DeliveryQueue, Ledger } from "../ports.ts";
import { deadLetter, type MovePorts, type Moving, type MovingStep, requeue, runAlone } from "./move-on.ts";
import { beatenLines } from "./beaten-lines.ts";
import { deliveryOf, type PackedResult, packResults } from "./pack-results.ts";
import { type AttemptLine, readPart } from "./read-part.ts";

const WRITES_IN_FLIGHT = 64;

export type SettlePorts = MovePorts & {
  readonly batches: Batches;
  readonly ledger: Ledger;
  readonly deliveries: DeliveryQueue;
};

/** How many jobs a part ended, sent on to another attempt, and dead-lettered; `held`: the provider account was held. */
export type PartReport = {
  readonly ended: number;
  readonly retried: number;
  readonly deadLettered: number;
  readonly held: boolean;
};

type Settled = AttemptLine & AttemptSettlement & { readonly position: number };
type Ending = Settled & { readonly move: Extract<AttemptMove, { kind: "end" }> };

/**
 * Settles one part of a collected batch. What it comes to is a pure function of the plan and the part; its effects go
 * out in an order in which each may be repeated: results, job states, ledger, jobs that move on, deliveries. Settling
 * a part twice is settling it once. `waitFactor` multiplies the failure policy's waits.
 */
export async function settlePart(
  batchId: BatchId,
  part: number,
  ports: SettlePorts,
  waitFactor = 1,
): Promise<PartReport> {
  const record = await ports.batches.get(batchId);
  if (!record?.settlementKey) throw new MissingRecordError(`batch ${batchId} was not collected`);
  const plan = await readSettlement(record.settlementKey, ports.objects);
  const name = `${batchId}-g${plan.generation}-p${part}`;
  const step: MovingStep = { name, batch: record.plan, completedAt: plan.completedAt, waitFactor };
  const settled = await settledLines(record, plan, part, ports);
  const keyOf = (tenant: StoredResult["tenantId"]) => partResultKey(tenant, batchId, plan.generation, part);
  const { won, deliveries } = await endJobs(settled.filter(isEnding), name, keyOf, ports);
  const beaten = await beatenLines(settled, won, record.plan, ports);
  const charged = settled.flatMap((line): ChargedAnswer[] =>
    line.charge
      ? [{ job: line.entry.job, charge: line.charge, won: won.has(line), isPremium: beaten.has(line) }]
      : [],
  );
  await ports.ledger.record(partLedgerEntries(charged, { ...plan, part }));
  const held = await holdAccount(settled, step, ports.batches);
  const requeued = await requeue(movingOf(settled, "next-batch"), step, ports);
  const alone = await runAlone(movingOf(settled, "alone"), step, ports);
  const deadLettered = await deadLetter(movingOf(settled, "dead-letter"), step, ports);
  await ports.deliveries.send(deliveries);
  return { ended: won.size, retried: requeued + alone, deadLettered, held };
}

async function settledLines(
  record: BatchRecord,
  plan: SettlementPlan,
  part: number,
  ports: SettlePorts,
): Promise<Settled[]> {
  const lines = await readPart(plan, part, record.plan, ports.objects);
  // Every part of missing requests but the last is full.
  const missingBefore = plan.parts.slice(0, part).filter(({ kind }) => kind === "missing").length;
  return lines.map((line, number) => ({
    ...line,
    ...settleBatchLine(line.entry, line.outcome, record.plan, plan.completedAt),
    position: missingBefore * MAX_PART_LINES + number,
  }));
}

function isEnding(settled: Settled): settled is Ending {
  return settled.move.kind === "end";
}

function movingOf<Kind extends AttemptMove["kind"]>(settled: readonly Settled[], kind: Kind): Moving<Kind>[] {
  const isMoving = (line: Settled): line is Settled & Moving<Kind> => line.move.kind === kind;
  return settled.filter(isMoving);
}

/** Where an attempt failed for want of the account's credit, nothing more is planned for the account for a while. */
async function holdAccount(
  settled: readonly Settled[],
  step: MovingStep,
  batches: Batches,
): Promise<boolean> {
  for (const { outcome } of settled) {
    if (outcome.kind !== "failed") continue;
    const { holdSeconds } = batchPolicy(outcome.seen);
    if (holdSeconds === 0) continue;
    const { code, message } = outcome;
    await batches.hold(step.batch.group.account, {
      until: step.completedAt + holdSeconds * 1000 * step.waitFactor,
      code,
      message,
    });
    return true;
  }
  return false;
}

type Endings = { readonly won: ReadonlySet<Settled>; readonly deliveries: readonly Delivery[] };

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
  const tenants = packResults(endings, ({ move }) => move.result);
  await pMap(tenants, (tenant) => ports.objects.put(keyOf(tenant.tenantId), tenant.text), { concurrency: 8 });
  const won = new Set<Settled>();
  const deliveries: Delivery[] = [];
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
    for (const { item } of standing) won.add(item);
    const delivery = deliveryOf(tenant, key, standing);
    if (delivery) deliveries.push(delivery);
  }
  return { won, deliveries };
}

function jobEndOf(
  { item, offset, length }: PackedResult<Ending>,
  key: string,
  step: string,
  ports: MovePorts,
): JobEnd {
  const { result } = item.move;
  const { tenantId, jobId } = item.entry.job;
  return {
    tenantId,
    jobId,
    receivedAt: item.entry.job.receivedAt,
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
