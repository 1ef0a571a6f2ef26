import { expect } from "vitest";
import { attemptsOf, batchSizes, expectSettled } from "./support/expect-settled.ts";
import type { FaultBench } from "./support/fault-bench.ts";
import { faultTest } from "./support/fault-table.ts";

const HOUR = 3_600_000;
/** The provider's window is two days: what is stuck does not end by itself before we see to it. */
const LONG_WINDOW = { speed: 0.5 };

const statusesOf = (bench: FaultBench) => bench.simulator.batches().map(({ status }) => status);

/** Hours from the first batch's creation to the second's. */
function hoursBetween(bench: FaultBench): number {
  const [first = 0, second = 0] = bench.simulator.batches().map(({ createdAt }) => Date.parse(createdAt));
  return (second - first) / HOUR;
}

faultTest("the batch stays in validating for hours", LONG_WINDOW, async (bench) => {
  bench.fault({ kind: "stuck-batch", status: "validating" });
  await bench.send(6);
  await bench.run();
  expect(statusesOf(bench)).toEqual(["cancelled", "completed"]);
  expect(Math.floor(hoursBetween(bench))).toBe(4);
  await expectSettled(bench);
});

faultTest("the batch stays in progress with no line done", LONG_WINDOW, async (bench) => {
  bench.fault({ kind: "stuck-batch", status: "in_progress", afterLines: 0 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6, 6]);
  expect(Math.floor(hoursBetween(bench))).toBe(25);
  expect(bench.simulator.invoice().lines).toHaveLength(6);
  await expectSettled(bench);
});

faultTest("the batch stays in finalizing for hours", LONG_WINDOW, async (bench) => {
  bench.fault({ kind: "stuck-batch", status: "finalizing" });
  const start = bench.runtime.now();
  await bench.send(6);
  await bench.run();
  // What it had finished is in the output of the cancelled batch: nothing runs again.
  expect(batchSizes(bench)).toEqual([6]);
  const hours = Math.floor((bench.runtime.now() - start) / HOUR);
  expect(hours).toBe(bench.name === "openai" ? 4 : 25);
  await expectSettled(bench);
});

faultTest("the batch hangs even after it was cancelled", LONG_WINDOW, async (bench) => {
  bench.fault({ kind: "stuck-batch", status: "finalizing", evenCancelled: true });
  await bench.send(6);
  await bench.run();
  // Given up after two hours of cancelling; when it ends at last, it turns out to have run, and is paid for.
  expect(batchSizes(bench)).toEqual([6, 6]);
  expect(Math.floor(hoursBetween(bench))).toBe(bench.name === "openai" ? 6 : 27);
  expect(attemptsOf(bench)).toEqual([2, 2, 2, 2, 2, 2]);
  expect(bench.simulator.invoice().lines).toHaveLength(12);
  await expectSettled(bench);
});

faultTest("the batch expires with a part of its lines done and billed", {}, async (bench) => {
  bench.fault({ kind: "expire-batch", afterLines: 4 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6, 2]);
  expect(attemptsOf(bench)).toEqual([1, 1, 1, 1, 2, 2]);
  expect(bench.simulator.invoice().lines).toHaveLength(6);
  await expectSettled(bench);
});

faultTest("the batch is cancelled while it completes", { batchSeconds: 100 }, async (bench) => {
  const cancelAfter = (milliseconds: number) => {
    const start = bench.runtime.now();
    bench.interruptions = {
      polled: async (batchId) => {
        if (bench.runtime.now() < start + milliseconds) return;
        bench.interruptions = {};
        const record = await bench.batches.get(batchId);
        await bench.batchProvider.cancel(record?.providerBatchId ?? "");
        await bench.settleDown();
      },
    };
  };
  // Too late to change anything.
  bench.fault({ kind: "late-cancel" });
  await bench.send(6);
  cancelAfter(30_000);
  await bench.run();
  // When all lines are done, and when half of them are.
  await bench.send(6);
  cancelAfter(91_000);
  await bench.run();
  await bench.send(6);
  cancelAfter(30_000);
  await bench.run();
  const [, , , rest = 0] = batchSizes(bench);
  expect(batchSizes(bench)).toEqual([6, 6, 6, rest]);
  expect(rest).toBeGreaterThan(0);
  expect(rest).toBeLessThan(6);
  expect(bench.simulator.invoice().lines).toHaveLength(18);
  await expectSettled(bench);
});

faultTest("counts stay at zero until the end", { batchSeconds: 600 }, async (bench) => {
  const counts: unknown[] = [];
  bench.interruptions = {
    polled: async (batchId) => {
      const record = await bench.batches.get(batchId);
      const batch = await bench.batchProvider.get(record?.providerBatchId ?? "");
      if (batch.phase === "running") counts.push(batch.counts);
    },
  };
  await bench.send(6);
  await bench.run();
  expect(counts.length).toBeGreaterThan(3);
  for (const count of counts) expect(count).toEqual({ total: 6, completed: 0, failed: 0 });
  await expectSettled(bench);
});

faultTest("the download of an output is cut off", {}, async (bench) => {
  bench.fault({ kind: "cut-download", afterBytes: 700, times: 2 });
  bench.fault({ kind: "cut-download", afterBytes: 0 });
  await bench.send(6);
  await bench.run();
  expect(bench.retried).toEqual(["RetryableError", "RetryableError", "RetryableError"]);
  expect(batchSizes(bench)).toEqual([6]);
  await expectSettled(bench);
});

faultTest("the results are gone", {}, async (bench) => {
  bench.fault({ kind: "results-gone" });
  await bench.send(6);
  await bench.run();
  // Believed an hour after the end; the requests run again, and what the first batch billed is named as an estimate.
  expect(batchSizes(bench)).toEqual([6, 6]);
  expect(Math.floor(hoursBetween(bench))).toBe(1);
  await expectSettled(bench, { unread: { batches: 1, requests: 6 } });
});

faultTest("the batch itself is gone", {}, async (bench) => {
  bench.fault({ kind: "not-found-after-create", reads: 1_000_000 });
  await bench.send(6);
  await bench.run();
  // It was never to be seen again, so it counts as run: the requests run again, and the ledger names an estimate.
  expect(batchSizes(bench)).toEqual([6, 6]);
  const filesLeft = bench.name === "openai" ? 2 : 0;
  await expectSettled(bench, { unread: { batches: 1, requests: 6 }, filesLeft });
});

faultTest("a webhook is lost, late or repeated", { batchSeconds: 600 }, async (bench) => {
  await bench.send(6);
  await bench.run();
  await expectSettled(bench);
});
