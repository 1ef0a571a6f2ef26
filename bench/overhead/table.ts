import Table from "cli-table3";
import type { OverheadReport } from "./run-overhead.ts";
import type { RunReport } from "./run-report.ts";

/** Milliseconds that the 99th percentile is to stay under while the low jobs are admitted. */
const TARGET_MS = 150;

const PLAIN = { head: [], border: [], compact: true };
const ms = (value: number) => (Number.isNaN(value) ? "-" : Math.round(value).toString());
const rate = (value: number) => (Number.isNaN(value) ? "-" : value.toFixed(1));

function tableOf(head: readonly string[], words: number): Table.Table {
  const colAligns = head.map((_title, column) => (column < words ? "left" : "right"));
  return new Table({ head: [...head], colAligns, style: PLAIN });
}

/** The distributions of both runs, one under the other. */
export function overheadTable({ idle, loaded }: OverheadReport): string {
  const made = tableOf(["run", "overhead in ms", "jobs", "p50", "p90", "p95", "p99", "max"], 2);
  for (const { name, fromReceive, fromSend } of [idle, loaded]) {
    const measured = [
      ["receive to result sent", fromReceive],
      ["send to result sent", fromSend],
    ] as const;
    for (const [what, { samples, p50, p90, p95, p99, max }] of measured)
      made.push([name, what, samples, ...[p50, p90, p95, p99, max].map(ms)]);
  }
  return made.toString();
}

/** What was sent, what came of it, and what it took of the machine. */
export function trafficTable({ idle, loaded, low }: OverheadReport): string {
  const critical = ["run", "seconds", "critical sent", "answered", "lost"];
  const others = ["low sent", "low admitted/s", "low lost", "cores used", "of the main thread"];
  const made = tableOf([...critical, ...others], 1);
  const row = (
    { name, seconds, sent, answered, lost, use }: RunReport,
    lows: readonly (string | number)[],
  ) => {
    const used = [use.cores.toFixed(2), use.mainThread.toFixed(2)];
    made.push([name, seconds, sent, answered, lost, ...lows, ...used]);
  };
  row(idle, ["-", "-", "-"]);
  row(loaded, [low.sent, rate(low.admittedPerSecond), low.lost]);
  return made.toString();
}

/** Whether the target was met, in words. It is never asserted: speed depends on the machine and its other work. */
export function verdict({ options, loaded, low }: OverheadReport): string {
  const { p99 } = loaded.fromReceive;
  const met = p99 < TARGET_MS ? "met" : "NOT met";
  return `Target ${met}: p99 of ${ms(p99)} ms, to be under ${TARGET_MS} ms, at ${options.criticalPerSecond} critical jobs/s over ${options.seconds} s beside ${rate(low.admittedPerSecond)} low jobs admitted a second.`;
}

/** What the figures count. */
export function explanation({ providerMs, loaded, idle }: OverheadReport): string {
  const late = Math.max(idle.senderLateMs, loaded.senderLateMs);
  return `Overhead of a job: from the first receive of its message (or from just before its app calls SQS) until its tenant's
queue has the result, less the ${providerMs} ms that the simulated provider is told to take. Everything else counts as
ours: reading, admission, claims, the provider's own work and the way to it, ledger, delivery, and every wait for a
free worker or an emulator. Workers are warm. The apps and the provider have threads of their own, the emulators the
main thread, each worker its own. Arrivals are drawn in advance and wait for no answer; the sender was at most
${ms(late)} ms behind.`;
}
