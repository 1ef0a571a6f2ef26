import type { BilledUnits } from "../../local/aws/meter.ts";

/** What AWS bills a stack by: its requests, and what its functions, machines and schedules do. */
export type AwsUsage = Omit<BilledUnits, "sqsEmptyReceives"> & {
  readonly lambdaRequests: number;
  /** Gigabytes of memory times seconds. */
  readonly lambdaGbSeconds: number;
  readonly stateTransitions: number;
  readonly scheduleStarts: number;
  readonly logBytes: number;
};

/**
 * Pico-dollars of one unit, us-east-1 on demand, without free tiers and without the discounts for large amounts.
 * AWS's price lists, read 2026-11-21: SQS $0.40 a million and $0.10 more
 * for fair queues, which is taken for all of them, DynamoDB $0.125 and $0.625 a million units, S3 $5 and $0.40
 * a million, Lambda (arm64) $0.20 a million and $0.0000133334 a GB-second, Step Functions $25 a million, EventBridge
 * Scheduler $1 a million, CloudWatch Logs $0.50 a GB, Secrets Manager $0.05 for 10,000 calls, SES $0.10 for 1,000.
 */
export const AWS_PRICES: Readonly<Record<keyof AwsUsage, number>> = {
  sqsRequests: 500_000,
  dynamoReadUnits: 125_000,
  dynamoWriteUnits: 625_000,
  s3Puts: 5_000_000,
  s3Gets: 400_000,
  lambdaRequests: 200_000,
  lambdaGbSeconds: 13_333_400,
  stateTransitions: 25_000_000,
  scheduleStarts: 1_000_000,
  logBytes: 500,
  secretCalls: 5_000_000,
  emails: 100_000_000,
};

/** Dollars a month: a secret, an alarm, a series of a custom metric. CloudWatch and Secrets Manager, read 2026-12-01. */
export const MONTHLY_PRICES = { secrets: 0.4, alarms: 0.1, metrics: 0.3 } as const;

/** How the services are told of, and in which order. */
const SERVICES = {
  SQS: ["sqsRequests"],
  DynamoDB: ["dynamoReadUnits", "dynamoWriteUnits"],
  S3: ["s3Puts", "s3Gets"],
  Lambda: ["lambdaRequests", "lambdaGbSeconds"],
  "Step Functions": ["stateTransitions"],
  "EventBridge Scheduler": ["scheduleStarts"],
  "CloudWatch Logs": ["logBytes"],
  "Secrets Manager": ["secretCalls"],
  SES: ["emails"],
} as const satisfies Readonly<Record<string, readonly (keyof AwsUsage)[]>>;

export type ServiceName = keyof typeof SERVICES;
export const SERVICE_NAMES = Object.keys(SERVICES) as ServiceName[];

/** What one service bills for the usage, in pico-dollars. */
export function serviceCost(usage: AwsUsage, service: ServiceName): number {
  return SERVICES[service].reduce((sum, unit) => sum + usage[unit] * AWS_PRICES[unit], 0);
}

/** What all of it comes to, in pico-dollars. */
export function usageCost(usage: AwsUsage): number {
  return SERVICE_NAMES.reduce((sum, service) => sum + serviceCost(usage, service), 0);
}

/** The usage without `share` of another, such as what runs by the clock whether there is work or not. */
export function without(usage: AwsUsage, other: AwsUsage, share: number): AwsUsage {
  return mapUsage(usage, (value, unit) => value - other[unit] * share);
}

/** The usage times `factor`. */
export function times(usage: AwsUsage, factor: number): AwsUsage {
  return mapUsage(usage, (value) => value * factor);
}

function mapUsage(usage: AwsUsage, change: (value: number, unit: keyof AwsUsage) => number): AwsUsage {
  const units = Object.keys(AWS_PRICES) as (keyof AwsUsage)[];
  return Object.fromEntries(units.map((unit) => [unit, change(usage[unit], unit)])) as AwsUsage;
}
