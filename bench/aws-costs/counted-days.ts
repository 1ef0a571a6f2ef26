import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { AWS_PRICES, type AwsUsage, MONTHLY_PRICES, usageCost, without } from "./aws-prices.ts";
import { type DayReport, dayReportSchema } from "./day-report.ts";
import { POLLS_PER_DAY } from "./standing-costs.ts";

/** Written by `npm run bench -- aws-costs --report` with this path. */
const FILE = join(import.meta.dirname, "counted-days.json");

const PICO = 1e12;
const DAYS_A_MONTH = 30;

/** The days that the docs tell of. Throws an Error for a file that is not such a report. */
export function readCountedDays(): CountedDays {
  return new CountedDays(z.array(dayReportSchema).parse(JSON.parse(readFileSync(FILE, "utf8"))));
}

/** Days of one stack, each with what its own work used. */
export class CountedDays {
  readonly #reports: readonly DayReport[];

  constructor(reports: readonly DayReport[]) {
    this.#reports = reports;
  }

  /** The days with work, in the order in which they were counted. */
  get working(): readonly DayReport[] {
    return this.#reports.filter(({ items }) => items > 0);
  }

  /** Throws an Error for a day that was not counted. */
  day(name: string): DayReport {
    const found = this.#reports.find(({ day }) => day === name);
    if (found === undefined) throw new Error(`no day of ${name} was counted: npm run bench -- aws-costs`);
    return found;
  }

  /** What a day's work used beside what runs by the clock. */
  ownUsage({ usage, hours }: DayReport): AwsUsage {
    const clock = this.day("nothing");
    return without(usage, clock.usage, hours / clock.hours);
  }

  /** What AWS bills for one item of a day, in pico-dollars, without what a stage costs anyway. */
  perItem(report: DayReport): number {
    return usageCost(this.ownUsage(report)) / report.items;
  }

  /** Dollars a month that a stage without work costs, and whose metrics are published now and then. */
  standing(): Readonly<Record<"clock" | "polls" | keyof typeof MONTHLY_PRICES, number>> {
    const { usage, hours, standing } = this.day("nothing");
    const { secrets, alarms, polledQueues } = standing;
    const metrics = this.day("low").metrics;
    return {
      clock: ((usageCost(usage) / PICO) * 24 * DAYS_A_MONTH) / hours,
      polls: (POLLS_PER_DAY * polledQueues * DAYS_A_MONTH * AWS_PRICES.sqsRequests) / PICO,
      secrets: secrets * MONTHLY_PRICES.secrets,
      alarms: alarms * MONTHLY_PRICES.alarms,
      metrics: metrics * MONTHLY_PRICES.metrics,
    };
  }
}
