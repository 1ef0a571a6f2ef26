import type { BatchRecord, PlannedBatch, ProviderBatch } from "../domain/batch-record.ts";
import { ResultsGoneError } from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import { jsonLines, lineText } from "../domain/jsonl.ts";
import { manifestId } from "../domain/manifest-id.ts";
import { manifestKeyOf, orphanPlan } from "../domain/orphans.ts";
import { readOutputLine } from "../domain/output-line.ts";
import type { BatchProvider, Batches, ObjectStore } from "../ports.ts";
import type { SweepPorts } from "./sweep-leftovers.ts";

const DAY_MS = 86_400_000;
/** A batch ends within 25 hours or is cancelled: an orphan that is older has been seen while it was younger. */
const LOOK_BACK_MS = 4 * DAY_MS;
/** The longest from a batch's planning to a create for it, failing now and then. */
const PLANNED_BEFORE_MS = 3 * DAY_MS;
const CLOCK_SKEW_MS = 5 * 60_000;
/** One line is not enough: a damaged output may begin with lines for requests that nobody sent. */
const IDS_TO_KNOW_A_BATCH = 100;

type OrphanPorts = Pick<SweepPorts, "batches" | "objects" | "runtime">;
type Listed = { readonly batch: ProviderBatch; readonly batchId: BatchId | null };

/**
 * Finds provider batches of ours that no batch of ours is registered as: each is another run of some batch's requests, made
 * by a create whose answer was lost. It is billed like any other, so it is registered as an orphan and settled. Returns
 * how many there were.
 */
export async function adoptOrphans(
  account: string,
  provider: BatchProvider,
  ports: OrphanPorts,
  failures: unknown[],
): Promise<number> {
  let adopted = 0;
  for await (const listed of provider.listSince(ports.runtime.now() - LOOK_BACK_MS)) {
    try {
      if (await adoptListed(account, listed, provider, ports)) adopted += 1;
    } catch (error) {
      failures.push(error);
    }
  }
  return adopted;
}

async function adoptListed(
  account: string,
  listed: Listed,
  provider: BatchProvider,
  ports: OrphanPorts,
): Promise<boolean> {
  const { batch, batchId } = listed;
  const named = batchId === null ? undefined : await ports.batches.get(batchId);
  // Nearly every one, and with one read.
  if (named?.providerBatchId === batch.id) return false;
  if (await isRegistered(account, batch.id, ports.batches)) return false;
  const twin = provider.namesBatches ? namedTwin(named) : await matchingTwin(account, batch, provider, ports);
  if (twin === "gone") return adoptUnread(account, batch, ports.batches);
  return twin !== undefined && adopt(account, batch, twin, false, ports.batches);
}

/**
 * A batch whose results are gone belongs, as far as anybody can tell, to whoever noted it as its own and was cut off before
 * it was submitted as that: what it may have billed is named, and the batch itself left alone.
 */
async function adoptUnread(account: string, batch: ProviderBatch, batches: Batches): Promise<boolean> {
  const owner = await batches.providerBatchOwner(account, batch.id);
  const record = owner === undefined ? undefined : await batches.get(owner);
  if (record === undefined || record.plan.requests !== batch.counts.total) return false;
  return adopt(account, batch, record.plan, true, batches);
}

/**
 * Whether its owner was submitted as it, or may yet be. An owner that is not known broke off its adoption; one that was
 * submitted as another slept between its create and its row, and nobody settles what it made unless an orphan does.
 */
async function isRegistered(account: string, providerBatchId: string, batches: Batches): Promise<boolean> {
  const owner = await batches.providerBatchOwner(account, providerBatchId);
  const record = owner === undefined ? undefined : await batches.get(owner);
  if (record === undefined) return false;
  if (record.providerBatchId === providerBatchId || !isSettledOtherwise(record)) return true;
  return (await batches.get(orphanPlan(record.plan, providerBatchId).batchId)) !== undefined;
}

async function adopt(
  account: string,
  batch: ProviderBatch,
  twin: PlannedBatch,
  isProvisional: boolean,
  batches: Batches,
): Promise<boolean> {
  const plan = orphanPlan(twin, batch.id);
  // Owned first: whoever submits the twin may find the same batch now. The twin itself was submitted otherwise.
  const owner = await batches.ownProviderBatch(account, batch.id, plan.batchId);
  if (owner !== plan.batchId && owner !== twin.batchId) return false;
  await batches.register(plan, { providerBatchId: batch.id, at: batch.createdAt, isProvisional });
  return true;
}

/** The batch that a provider's batch names, unless that one is still to be submitted and will find it by itself. */
function namedTwin(record: BatchRecord | undefined): PlannedBatch | undefined {
  return record !== undefined && isSettledOtherwise(record) ? record.plan : undefined;
}

function isSettledOtherwise({ state, providerBatchId, refusal }: BatchRecord): boolean {
  return state !== "planned" || providerBatchId !== null || refusal !== null;
}

/**
 * Without names: the batch of as many requests, planned shortly before, that the results' first lines belong to; "gone" where
 * the provider has those no longer, and they could be some batch's.
 */
async function matchingTwin(
  account: string,
  batch: ProviderBatch,
  provider: BatchProvider,
  { batches, objects }: OrphanPorts,
): Promise<PlannedBatch | "gone" | undefined> {
  if (batch.phase !== "ended") return undefined;
  const from = batch.createdAt - PLANNED_BEFORE_MS;
  const until = batch.createdAt + CLOCK_SKEW_MS;
  let customIds: ReadonlySet<string> | "gone" | undefined;
  for await (const plan of batches.listPlanned(account, from, until)) {
    if (plan.orphanOf !== null || plan.requests !== batch.counts.total) continue;
    const record = await batches.get(plan.batchId);
    if (record === undefined || !isSettledOtherwise(record)) continue;
    customIds ??= await firstCustomIds(batch, provider);
    if (customIds === "gone") return "gone";
    if (customIds.size === 0) return undefined;
    if (await hasRequest(plan, customIds, objects)) return plan;
  }
  return undefined;
}

async function firstCustomIds(
  batch: ProviderBatch,
  provider: BatchProvider,
): Promise<ReadonlySet<string> | "gone"> {
  const customIds = new Set<string>();
  try {
    for await (const line of jsonLines(provider.output(batch, "output"))) {
      const read = readOutputLine(provider.provider, lineText(line));
      if (read.kind !== "unparseable") customIds.add(read.customId);
      if (customIds.size === IDS_TO_KNOW_A_BATCH) break;
    }
  } catch (error) {
    if (error instanceof ResultsGoneError) return "gone";
    throw error;
  }
  return customIds;
}

async function hasRequest(
  plan: PlannedBatch,
  customIds: ReadonlySet<string>,
  objects: ObjectStore,
): Promise<boolean> {
  if ((await objects.size(manifestKeyOf(plan))) === undefined) return false;
  for await (const { bytes } of jsonLines(objects.stream(manifestKeyOf(plan)))) {
    if (customIds.has(manifestId(bytes))) return true;
  }
  return false;
}
