import { parseEnvironment } from "../runtime/environment.ts";
import { batches, jobMap, ledger, objectStore } from "../runtime/ports.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count, logger, observed } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { findBatches, RECONCILED_MS } from "./find-batches.ts";
import { reconcileBatches, RECONCILING_MS } from "./reconcile-batches.ts";
import { loggedDifference, newlyClosed } from "./reconciliation-report.ts";

const env = parseEnvironment(envSchema);
const ports = {
  batches: batches(env),
  objects: objectStore(env),
  jobs: jobMap(env),
  ledger: ledger(env),
  runtime: systemRuntime,
};

export const handler = () =>
  observed(async () => {
    const began = systemRuntime.now();
    const { closed } = await findBatches(began - RECONCILED_MS, began, ports.batches);
    const done = await reconcileBatches(closed, ports, { until: began + RECONCILING_MS, strangers: true });
    for (const one of done.differences) logger.error("a batch does not reconcile", loggedDifference(one));
    const [batches, differences] = [done.batches, done.differences.length];
    const unreached = newlyClosed(done.unreached, began).length;
    count({ BatchesReconciled: batches, LedgerDifferences: differences, BatchesUnreached: unreached });
    return { batches, differences };
  });
