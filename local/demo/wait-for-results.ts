import { setTimeout as sleep } from "node:timers/promises";
import type { LocalGateway } from "../gateway/local-gateway.ts";
import type { ProgressLine } from "./progress.ts";
import { sentKey } from "./result-reader.ts";

/** Whoever reads the tenants' queues: the first result of each key so far. */
type Reader = { readonly first: ReadonlyMap<string, Parameters<typeof sentKey>[0]> };

/** Seconds without a new result after which the wait is given up: what is missing is then reported as lost. */
const PATIENCE_SECONDS = 120;

/**
 * Waits until every key that was sent has a result on its tenant's queue, and then until the gateway has nothing left
 * to do, so that what it delivers twice is seen too. Rejects when `signal` aborts.
 */
export async function waitForResults(
  sent: ReadonlySet<string>,
  reader: Reader,
  gateway: LocalGateway,
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<void> {
  let missing = sent.size;
  let lastNews = progress.seconds;
  while (missing > 0 && progress.seconds - lastNews < PATIENCE_SECONDS) {
    await sleep(250, undefined, { signal });
    const now = countMissing(sent, reader);
    if (now < missing) lastNews = progress.seconds;
    missing = now;
    progress.show(await situation(sent.size - missing, sent.size, gateway));
  }
  progress.show("waiting for the gateway to come to rest");
  await gateway.stack.quiesce({
    signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_SECONDS * 1000)]),
  });
}

function countMissing(sent: ReadonlySet<string>, reader: Reader): number {
  return sent.size - [...reader.first.values()].filter((result) => sent.has(sentKey(result))).length;
}

async function situation(done: number, total: number, gateway: LocalGateway): Promise<string> {
  const batches = (await gateway.simulator?.batches()) ?? [];
  const states = Map.groupBy(batches, ({ status }) => status);
  const words = [...states].map(([status, members]) => `${members.length} ${status}`).join(", ");
  return `${done} of ${total} results read; batches: ${words || "waiting for the window to close"}`;
}
