/* The tenants' apps, in a thread of their own: they send on time whatever the emulators and the handlers do. */
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { submitJobs } from "../../client/submit-jobs.ts";
import { sqsClient } from "../../lambdas/adapters/aws-clients.ts";
import { readAnswers } from "./answer-reader.ts";
import { criticalJob, lowJob } from "./jobs.ts";
import type { SentJob, TrafficData, TrafficOrder, TrafficReport } from "./traffic-messages.ts";

/** Low jobs are sent as apps with much work do: in full calls. */
const LOW_PER_CALL = 10;

const { endpoint, region, queueUrls, resultQueues, lowPerSecond } = workerData as TrafficData;
const credentials = { accessKeyId: "tenants", secretAccessKey: "tenants" };
const sqs = sqsClient({ AWS_REGION: region, AWS_ENDPOINT_URL: endpoint, credentials });
const lowStop = new AbortController();

function tell(report: TrafficReport): void {
  parentPort?.postMessage(report, []);
}

function fail(error: unknown): void {
  tell({ kind: "failed", reason: String(error) });
}

/** Waits until the clock of this thread shows `at`; not at all when it does already. */
async function until(at: number, signal?: AbortSignal): Promise<void> {
  const left = at - performance.now();
  if (left > 0) await sleep(left, undefined, { signal });
}

async function sendCritical(name: string, arrivals: readonly number[]): Promise<void> {
  const began = performance.now();
  const sending: Promise<SentJob>[] = [];
  for (const [number, offset] of arrivals.entries()) {
    await until(began + offset);
    const lateMs = performance.now() - began - offset;
    sending.push(sendOne(`${name}-${number}`, number, lateMs));
  }
  tell({ kind: "sent", name, jobs: await Promise.all(sending) });
}

async function sendOne(key: string, number: number, lateMs: number): Promise<SentJob> {
  const job = criticalJob(key, number);
  const sentAt = Date.now();
  const [outcome] = await submitJobs([job], { sqs, queueUrls });
  return { key, sentAt, lateMs, messageId: outcome?.kind === "sent" ? outcome.messageId : null };
}

/** As many in every second, until stopped. */
async function sendLow(signal: AbortSignal): Promise<void> {
  const began = performance.now();
  const sending: Promise<number>[] = [];
  try {
    for (let call = 0; !signal.aborted; call += 1) {
      await until(began + (call * LOW_PER_CALL * 1000) / lowPerSecond, signal);
      sending.push(sendLowCall(call));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const taken = (await Promise.all(sending)).reduce((sum, jobs) => sum + jobs, 0);
  tell({ kind: "low-stopped", taken, refused: sending.length * LOW_PER_CALL - taken });
}

/** Returns how many SQS took. */
async function sendLowCall(call: number): Promise<number> {
  const jobs = Array.from({ length: LOW_PER_CALL }, (_, place) => {
    const number = call * LOW_PER_CALL + place;
    return lowJob(`low-${number}`, number);
  });
  const outcomes = await submitJobs(jobs, { sqs, queueUrls });
  return outcomes.filter(({ kind }) => kind === "sent").length;
}

async function obey(order: TrafficOrder): Promise<void> {
  switch (order.kind) {
    case "critical":
      return sendCritical(order.name, order.arrivals);
    case "start-low":
      return sendLow(lowStop.signal);
    case "stop-low":
      lowStop.abort();
  }
}

parentPort?.on("message", (order: TrafficOrder) => void obey(order).catch(fail));
for (const queueUrl of resultQueues)
  void readAnswers(sqs, queueUrl, (answers) => tell({ kind: "answers", answers })).catch(fail);
