import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";

/** One JSON line per event; keys `jobId`, `tenantId`, `batchId`, `provider`. Never a prompt, a response or an event. */
export const logger = new Logger();

const metrics = new Metrics();

/** Counts by name, published with the function's end. Dimensions stay few: each series costs money. */
export function count(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (value > 0) metrics.addMetric(name, MetricUnit.Count, value);
  }
}

/** Figures by name that are no counts, each published as one value. */
export function measure(figures: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(figures)) metrics.addMetric(name, MetricUnit.NoUnit, value);
}

/** Runs one invocation: its failure is logged by name, and its counts are published whatever came of it. */
export async function observed<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    logFailure("invocation failed", error);
    throw error;
  } finally {
    metrics.publishStoredMetrics();
  }
}

/** Logs that something failed and what it was called. Our own error messages hold ids and sizes, no content. */
export function logFailure(
  message: string,
  error: unknown,
  keys: Readonly<Record<string, string>> = {},
): void {
  logger.error(message, { ...keys, error: error instanceof Error ? error : new Error(String(error)) });
}
