import { SERVICE_NAMES, serviceCost, usageCost } from "../bench/aws-costs/aws-prices.ts";
import type { CountedDays } from "../bench/aws-costs/counted-days.ts";
import type { DayReport } from "../bench/aws-costs/day-report.ts";
import { tableOf, thousands } from "./markdown.ts";

const PICO = 1e12;

const usd = (value: number): string => `$${value.toFixed(2)}`;
const dollars = (picoUsd: number, decimals: number): string => `$${(picoUsd / PICO).toFixed(decimals)}`;

/** Items of a day as the page calls them. */
const ITEMS: Readonly<Record<string, string>> = {
  low: "`low` jobs",
  high: "`high` jobs",
  "post-call": "calls",
  "lead-scoring": "leads",
  "re-index": "documents",
};

/** What the counted days cost, by service, and what a stage costs without work. */
export function costsFigures(days: CountedDays): string {
  return [dayTable(days), ...batchWords(days), standingTable(days)].join("\n\n");
}

function dayTable(days: CountedDays): string {
  const working = days.working;
  const row = (name: string, cell: (report: DayReport) => string) => [name, ...working.map(cell)];
  const services = SERVICE_NAMES.map((service) =>
    row(service, (report) => dollars(serviceCost(days.ownUsage(report), service), 4)),
  ).filter(([, ...cells]) => cells.some((cell) => cell !== "$0.0000"));
  const titles = ["a day of", ...working.map(({ day, items }) => `${thousands(items)} ${ITEMS[day] ?? day}`)];
  return tableOf(titles, [
    row("provider batches", ({ batches }) => thousands(batches)),
    ...services,
    row("**all**", (report) => dollars(usageCost(days.ownUsage(report)), 4)),
    row("a million of them", (report) => dollars(days.perItem(report) * 1e6, 2)),
  ]);
}

/** What a batch costs whatever it holds, and what is left for a job. */
function batchWords(days: CountedDays): string[] {
  const low = days.day("low");
  const own = days.ownUsage(low);
  const machines = serviceCost(own, "Step Functions") / low.batches;
  const rest = (usageCost(own) - machines * low.batches) / low.items;
  const transitions = Math.round(own.stateTransitions / low.batches);
  const jobs = Math.round(low.items / low.batches);
  return [
    `A batch of the \`low\` day held ${jobs} jobs and took ${transitions} state transitions, ${dollars(machines, 5)} whatever it holds; the
rest comes to ${dollars(rest * 1e6, 2)} for a million jobs.`,
  ];
}

function standingTable(days: CountedDays): string {
  const { clock, polls, secrets, alarms, metrics } = days.standing();
  const { standing } = days.day("nothing");
  const rows = [
    ["what runs by the clock: windows, looks, sweeps", usd(clock)],
    [`Lambda asking ${standing.polledQueues} empty queues`, usd(polls)],
    [`${standing.alarms} alarms`, usd(alarms)],
    [`${days.day("low").metrics} series of metrics`, usd(metrics)],
    [`${standing.secrets} secrets`, usd(secrets)],
    ["**all**", usd(clock + polls + secrets + alarms + metrics)],
  ];
  return tableOf(["a month without work", "us-east-1"], rows);
}

/** A sentence for the page of a workload. */
export function awsSentence(days: CountedDays, name: string): string {
  const report = days.day(name);
  const cost = dollars(usageCost(days.ownUsage(report)), 2);
  const others = Object.entries(report.counts).map(([what, count]) => ` and ${thousands(count)} ${what}`);
  const what = `${thousands(report.items)} ${ITEMS[name]}${others.join("")}`;
  return `AWS bills ${cost} for a day of ${what} beside that, as counted on ${report.countedOn} ([how](../costs.md)).`;
}
