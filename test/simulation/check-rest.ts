import type { BatchId } from "../../lambdas/domain/ids.ts";
import { orphanPlan } from "../../lambdas/domain/orphans.ts";
import { PROVIDERS } from "../../lambdas/domain/vocabulary.ts";
import { findBatches } from "../../lambdas/reconcile-batches/find-batches.ts";
import { reconcileBatches } from "../../lambdas/reconcile-batches/reconcile-batches.ts";
import { isForgotten } from "./model-batch.ts";
import { DAY, HOUR } from "./simulation-clock.ts";
import type { World } from "./world.ts";

/** Nothing is left in flight, at the providers or here, and our own reconciliation finds nothing to say. */
export async function checkRest(world: World): Promise<void> {
  const { batches, violations, clock, services } = world;
  for (const provider of PROVIDERS) {
    const free = await batches.lockAccount(
      provider,
      "b-nobody" as BatchId,
      clock.now() + 2 * HOUR,
      clock.now() + 2 * HOUR + 1,
    );
    if (!free) violations.add("nothing stays locked", `the account of ${provider} is`);
    for (const batch of services[provider].batches.values()) {
      if (batch.foreign || clock.now() < batch.fate.endsAt || isForgotten(batch)) continue;
      // Found without a name, and its results show nothing that is ours: it is left to whoever it may belong to.
      const owner = await batches.providerBatchOwner(provider, batch.id);
      const record = owner === undefined ? undefined : await batches.get(owner);
      const orphan = record && (await batches.get(orphanPlan(record.plan, batch.id).batchId));
      if (record?.isProvisional === true || orphan?.isProvisional === true) continue;
      const file = batch.inputFileId;
      // A twin that never ends may still read it: the provider lets it expire.
      const isRead = [...services[provider].batches.values()].some(
        (other) => other.inputFileId === file && clock.now() < other.fate.endsAt,
      );
      if (!batch.deleted || (file !== null && !isRead && services[provider].files.has(file)))
        violations.add("nothing stays at the provider", `files of ${batch.id} (${batch.batchId})`, [
          batch.id,
        ]);
    }
  }
  await checkReconciliation(world);
}

async function checkReconciliation({
  batches,
  objects,
  jobs,
  ledger,
  clock,
  violations,
}: World): Promise<void> {
  const runtime = { now: () => clock.now() };
  const { closed } = await findBatches(clock.now() - 30 * DAY, clock.now(), batches);
  const { differences } = await reconcileBatches(
    closed,
    { batches, objects, jobs, ledger, runtime },
    { strangers: true },
  );
  for (const difference of differences.slice(0, 3))
    violations.add(
      "the reconciliation finds nothing",
      JSON.stringify(difference, (_key, value: unknown) =>
        typeof value === "bigint" ? String(value) : value,
      ),
      [difference.batchId],
    );
}
