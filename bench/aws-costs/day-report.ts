import { z } from "zod";
import { AWS_PRICES, type AwsUsage } from "./aws-prices.ts";

const amount = z.number().nonnegative();
const units = Object.keys(AWS_PRICES) as (keyof AwsUsage)[];

/** What a stack has that is billed whether there is work or not, and that this machine does not see happen. */
const standingSchema = z.object({
  /** Schedules' starts in a day. */
  scheduleStarts: amount,
  /** Queues that Lambda polls. */
  polledQueues: amount,
  secrets: amount,
  alarms: amount,
});
export type Standing = z.infer<typeof standingSchema>;

/** A day as it was counted. */
export const dayReportSchema = z.object({
  day: z.string(),
  /** UTC, when it was counted. */
  countedOn: z.iso.date(),
  items: amount,
  /** Of those, by the functions' own counts. */
  done: amount,
  /** From the first item until nothing was left to do, in the stack's time. */
  hours: amount,
  usage: z.object(
    Object.fromEntries(units.map((unit) => [unit, amount])) as Record<keyof AwsUsage, typeof amount>,
  ),
  standing: standingSchema,
  /** Series of custom metrics that were published. */
  metrics: amount,
  batches: amount,
  /** Of what a page tells beside the items, such as drafts: how many there were. */
  counts: z.record(z.string(), amount).default({}),
});
export type DayReport = z.infer<typeof dayReportSchema>;
