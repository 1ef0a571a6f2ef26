import type { LedgerEntry } from "../../lambdas/domain/ledger-entry.ts";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import { PREFIXES } from "../../lambdas/domain/object-keys.ts";
import type { BatchBill } from "./invoice.ts";
import { PROVIDERS } from "../../lambdas/domain/vocabulary.ts";
import { isForgotten } from "./model-batch.ts";
import type { Told } from "./told-results.ts";
import type { World } from "./world.ts";

/** The ledger closes: what providers billed is there, exactly, by tenant; what nobody can know is named. */
export async function checkLedger(world: World, told: readonly Told[]): Promise<void> {
  const entries: LedgerEntry[] = [];
  for (const { tenant } of world.workload.tenants) {
    const own = await Array.fromAsync(
      world.ledger.entries(tenant.policy.tenantId, "2000-01-01", "2100-01-01"),
    );
    entries.push(...own);
  }
  checkBatches(world, entries, await untoldBatches(world));
  checkCalls(world, entries);
  await checkKeptAnswers(world, entries);
  await checkCounts(world, entries);
  checkTags(world, entries, told);
}

function sumsBy<Item>(items: readonly Item[], keyOf: (item: Item) => string, costOf: (item: Item) => bigint) {
  const sums = new Map<string, { cost: bigint; count: number }>();
  for (const item of items) {
    const key = keyOf(item);
    const sum = sums.get(key) ?? { cost: 0n, count: 0 };
    sums.set(key, { cost: sum.cost + costOf(item), count: sum.count + 1 });
  }
  return sums;
}

/** Batches that the provider had forgotten before anybody could write down that there was such a one. */
async function untoldBatches({ services, batches }: World): Promise<Set<string>> {
  const untold = new Set<string>();
  for (const provider of PROVIDERS)
    for (const batch of services[provider].batches.values()) {
      if (!isForgotten(batch)) continue;
      const owner = await batches.providerBatchOwner(provider, batch.id);
      const record = owner === undefined ? undefined : await batches.get(owner);
      if (record?.providerBatchId !== batch.id) untold.add(batch.id);
    }
  return untold;
}

function checkBatches(world: World, entries: readonly LedgerEntry[], untold: ReadonlySet<string>): void {
  const { violations, invoice } = world;
  const billKey = ({ providerBatchId, tenantId }: BatchBill) => `${providerBatchId} ${tenantId}`;
  const entryKey = ({ providerBatchId, tenantId }: LedgerEntry) => `${providerBatchId} ${tenantId}`;
  const billed = sumsBy(
    invoice.batches.filter(({ state }) => state === "readable"),
    billKey,
    ({ cost }) => cost,
  );
  const charges = entries.filter(({ kind }) => kind === "batch");
  const charged = sumsBy(charges, entryKey, ({ costPicoUsd }) => BigInt(costPicoUsd));
  for (const key of new Set([...billed.keys(), ...charged.keys()])) {
    const [bill, charge] = [billed.get(key)?.cost ?? 0n, charged.get(key)?.cost ?? 0n];
    const answers = charges
      .filter((entry) => entryKey(entry) === key)
      .reduce((sum, entry) => sum + entry.answers, 0);
    if (bill !== charge || answers !== (billed.get(key)?.count ?? 0))
      violations.add(
        "the ledger closes",
        `${key}: billed ${bill} for ${billed.get(key)?.count ?? 0}, charged ${charge} for ${answers}`,
        key.split(" ").slice(0, 1),
      );
  }
  const unknown = new Set(invoice.batches.filter(({ state }) => state !== "readable").map(billKey));
  const named = new Set(
    entries
      .filter(({ kind, providerBatchId }) => kind === "unconfirmed" && providerBatchId !== null)
      .map(entryKey),
  );
  for (const key of unknown)
    if (!named.has(key) && !untold.has(key.split(" ")[0] ?? ""))
      violations.add(
        "what cannot be known is named",
        `${key} has no unconfirmed entry`,
        key.split(" ").slice(0, 1),
      );
  const doubtful = new Set(
    invoice.batches.filter(({ state }) => state !== "readable").map(({ providerBatchId }) => providerBatchId),
  );
  const gone = world.goneBatches();
  for (const { providerBatchId, tenantId, entryId } of entries.filter(({ kind }) => kind === "unconfirmed")) {
    if (providerBatchId !== null && !doubtful.has(providerBatchId) && !gone.has(providerBatchId))
      violations.add("what can be known is not guessed", `${tenantId} ${entryId}`, [providerBatchId]);
  }
  for (const { date, providerBatchId, entryId } of charges)
    if (date !== world.endDateOf(providerBatchId ?? ""))
      violations.add("charges are dated by the provider", `${entryId} for ${providerBatchId}`, [
        providerBatchId ?? "",
      ]);
}

/** The job and attempt of a direct call's entry: `<date>#<kind>#<job>#<attempt>`. */
function callOf({ entryId }: LedgerEntry): string {
  const [, , jobId, attempt] = entryId.split("#");
  return `${jobId}-${attempt}`;
}

function checkCalls(world: World, entries: readonly LedgerEntry[]): void {
  const { violations, invoice } = world;
  const own = entries.filter(({ batchId }) => batchId === null);
  const direct = new Map(own.filter(({ kind }) => kind === "direct").map((entry) => [callOf(entry), entry]));
  const unconfirmed = new Set(own.filter(({ kind }) => kind === "unconfirmed").map(callOf));
  for (const { jobId, attempt, tenantId, cost } of invoice.calls) {
    const call = `${jobId}-${attempt}`;
    const entry = direct.get(call);
    direct.delete(call);
    if (entry === undefined && !unconfirmed.has(call))
      violations.add("the ledger closes", `call ${call} was billed ${cost} and is nowhere`, [jobId]);
    if (entry !== undefined && unconfirmed.has(call))
      violations.add("the ledger closes", `call ${call} is both charged and unconfirmed`, [jobId]);
    if (entry !== undefined && (BigInt(entry.costPicoUsd) !== cost || entry.tenantId !== tenantId))
      violations.add(
        "the ledger closes",
        `call ${call} was billed ${cost} to ${tenantId}: ${JSON.stringify(entry)}`,
        [jobId],
      );
  }
  for (const [call, { costPicoUsd }] of direct)
    violations.add("the ledger closes", `call ${call} was charged ${costPicoUsd} and never billed`, [
      call.slice(0, 26),
    ]);
}

/** An answer of a direct call that was kept was paid for, and is never taken for lost. */
async function checkKeptAnswers(world: World, entries: readonly LedgerEntry[]): Promise<void> {
  const charged = new Set(entries.filter(({ kind }) => kind === "direct").map(callOf));
  for await (const { key } of world.objects.list(PREFIXES.results)) {
    const [, call] = /\/([a-z2-7]{26}-\d+)\.jsonl$/.exec(key) ?? [];
    if (call === undefined || charged.has(call)) continue;
    const bytes = await world.objects.get(key);
    const { status } = JSON.parse(Buffer.from(bytes ?? "{}").toString()) as { readonly status: string };
    if (status === "succeeded")
      world.violations.add("the ledger closes", `${key} was kept and not charged`, [call.slice(0, 26)]);
  }
}

/** Charges follow answers, job counts follow the job's winning result. */
async function checkCounts(world: World, entries: readonly LedgerEntry[]): Promise<void> {
  for (const { tenant } of world.workload.tenants) {
    const { tenantId } = tenant.policy;
    const counted = entries
      .filter((entry) => entry.tenantId === tenantId)
      .reduce((sum, { jobs }) => sum + jobs, 0);
    const succeeded = await succeededJobs(world, tenantId);
    if (counted !== succeeded)
      world.violations.add(
        "jobs are counted once",
        `${tenantId}: the ledger counts ${counted}, ${succeeded} succeeded`,
        [tenantId],
      );
  }
}

async function succeededJobs(world: World, tenantId: TenantId): Promise<number> {
  let succeeded = 0;
  for (const job of world.workload.jobs) {
    if (job.tenantId !== tenantId) continue;
    const stored = await world.jobs.get(tenantId, job.jobId);
    if (stored?.state === "ended" && stored.status === "succeeded") succeeded += 1;
  }
  return succeeded;
}

/** An entry of one call is tagged as the result that it paid for. */
function checkTags(world: World, entries: readonly LedgerEntry[], told: readonly Told[]): void {
  const results = new Map(
    told.flatMap(({ result }) =>
      result.status === "succeeded" ? [[`${result.jobId}-${result.attempts}`, result]] : [],
    ),
  );
  for (const entry of entries) {
    const result = entry.kind === "direct" && entry.jobs > 0 ? results.get(callOf(entry)) : undefined;
    if (result === undefined) continue;
    const { vertical, agentId, taskType, costPicoUsd } = entry;
    if (
      result.vertical !== vertical ||
      result.agentId !== agentId ||
      result.taskType !== taskType ||
      result.costPicoUsd !== costPicoUsd
    )
      world.violations.add(
        "entries are tagged as their results",
        `${entry.entryId}: ${JSON.stringify(entry)}`,
        [result.jobId ?? ""],
      );
  }
}
