import type { SegmentPorts } from "../admit-jobs/segment.ts";
import { attemptParts } from "../domain/failed-parts.ts";
import { PROVIDERS, type Provider } from "../domain/vocabulary.ts";
import type { BatchProvider, Batches, Budgets, Executions, Runtime } from "../ports.ts";
import { adoptOrphans } from "./adopt-orphans.ts";
import { finishSegments } from "./finish-segments.ts";
import { settleBudgets } from "./settle-budgets.ts";
import { startBatches } from "./start-batches.ts";

export type SweepPorts = SegmentPorts & {
  readonly batches: Batches;
  readonly budgets: Budgets;
  readonly executions: Executions;
  readonly provider: (provider: Provider) => Promise<BatchProvider>;
  readonly runtime: Runtime;
};

/** What a sweep found; all zero when nothing was wrong. */
export type Sweep = {
  /** Segments whose writer died, finished here. */
  readonly segmentsFinished: number;
  /** Segments that no window has taken for long: windows do not run, or cannot read them. */
  readonly segmentsLeftBehind: number;
  /** Provider batches of ours that nobody knew of. */
  readonly orphansAdopted: number;
  /** Open batches that no execution ran. */
  readonly batchesStarted: number;
  /** Open batches with a request that is long past due. */
  readonly batchesPastDue: number;
  /** Reservations in tenants' budgets whose jobs have not all ended. */
  readonly reservationsOpen: number;
  /** Parts of the sweep that failed; the next one tries again. */
  readonly failures: readonly unknown[];
};

/**
 * Takes up what others have dropped. Everything it does is what some other step would have done: doing it again, or while
 * the other is still at it, changes nothing. What fails holds up nothing else.
 */
export async function sweepLeftovers(ports: SweepPorts): Promise<Sweep> {
  const failures: unknown[] = [];
  const attempt = attemptParts(failures);
  const segments = await attempt({ finished: 0, leftBehind: 0 }, () => finishSegments(ports, failures));
  let orphansAdopted = 0;
  let batchesStarted = 0;
  let batchesPastDue = 0;
  // Accounts are named after their provider.
  for (const account of PROVIDERS) {
    const start = () => attempt({ started: 0, pastDue: 0 }, () => startBatches(account, ports, failures));
    // Before the orphans: the provider's list may be longer than there is time for.
    const open = await start();
    const adopted = await attempt(0, async () =>
      adoptOrphans(account, await ports.provider(account), ports, failures),
    );
    // What was adopted now is started now.
    const startedAfter = adopted > 0 ? (await start()).started : 0;
    orphansAdopted += adopted;
    batchesStarted += open.started + startedAfter;
    batchesPastDue += open.pastDue;
  }
  // Last: it may take long where tenants have many reservations, and holds up nothing.
  const reservationsOpen = await attempt(0, () => settleBudgets(ports, failures));
  return {
    segmentsFinished: segments.finished,
    segmentsLeftBehind: segments.leftBehind,
    orphansAdopted,
    batchesStarted,
    batchesPastDue,
    reservationsOpen,
    failures,
  };
}
