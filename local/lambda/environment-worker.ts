/* The thread of one execution environment: loads the handler once and runs one event after another. */
import { existsSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { types } from "node:util";
import { getHeapStatistics } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import type { EnvironmentReport, Invocation } from "./environment-message.ts";
import { environmentDataSchema, invocationSchema, OUT_OF_MEMORY_EXIT } from "./environment-message.ts";
import type { FunctionError } from "./function-error.ts";
import { shiftDate, TimeOffset } from "./time-offset.ts";

type Handler = (event: unknown, context: object) => unknown;

const SAMPLE_MS = 20;
const data = environmentDataSchema.parse(workerData);
const peak = new Float64Array(data.peak);
/** Bytes outside the heap that are no buffers, when they were last asked for. They hardly change. */
let otherBytes = 0;

if (parentPort === null) throw new Error("this file runs in a worker thread only");
const host = parentPort;
// Before the handler is loaded, which may keep hold of `Date.now`.
if (data.timeOffset !== undefined) shiftDate(new TimeOffset(data.timeOffset));

/** Like Lambda, which lets the heap and the buffers together have the function's memory. */
function sampleMemory(): void {
  const { used_heap_size: heapUsed, external_memory: external } = getHeapStatistics();
  // Buffers are a part of `external`. How large a part costs much more to ask, and matters only where there is a new peak.
  if (heapUsed + 2 * external - otherBytes > (peak[0] ?? 0)) {
    const usage = process.memoryUsage();
    otherBytes = usage.external - usage.arrayBuffers;
    peak[0] = Math.max(peak[0] ?? 0, usage.heapUsed + usage.external + usage.arrayBuffers);
  }
  // `external` has the buffers in it already; the sum above is the project's measure, this is what the thread holds.
  if (heapUsed + external > data.memoryMb * 1024 * 1024) process.exit(OUT_OF_MEMORY_EXIT);
}

async function loadHandler(): Promise<Handler> {
  const dot = data.handler.lastIndexOf(".");
  const [file, name] = [data.handler.slice(0, dot), data.handler.slice(dot + 1)];
  const found = [".mjs", ".js", ".cjs"].map((end) => path.join(data.codeFolder, file + end)).find(existsSync);
  if (found === undefined) throw named("Runtime.ImportModuleError", `Error: Cannot find module '${file}'`);
  const module: Record<string, unknown> = await import(pathToFileURL(found).href);
  const handler = module[name];
  if (typeof handler !== "function")
    throw named("Runtime.HandlerNotFound", `${data.handler} is undefined or not exported`);
  return handler as Handler;
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

function contextOf(invocation: Invocation): object {
  return {
    awsRequestId: invocation.requestId,
    functionName: data.functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: data.functionArn,
    memoryLimitInMB: String(data.memoryMb),
    logGroupName: `/aws/lambda/${data.functionName}`,
    logStreamName: "local",
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, invocation.deadline - Date.now()),
  };
}

async function run(handler: Handler, invocation: Invocation): Promise<EnvironmentReport> {
  const sampler = setInterval(sampleMemory, SAMPLE_MS).unref();
  try {
    const result: unknown = await handler(JSON.parse(invocation.event), contextOf(invocation));
    return { kind: "succeeded", payload: JSON.stringify(result) ?? "null" };
  } catch (thrown) {
    return { kind: "failed", error: describe(thrown) };
  } finally {
    clearInterval(sampler);
    sampleMemory();
  }
}

function describe(thrown: unknown): FunctionError {
  if (thrown instanceof Error || types.isNativeError(thrown)) {
    return { errorType: thrown.name, errorMessage: thrown.message, trace: thrown.stack?.split("\n") ?? [] };
  }
  return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
}

/** Resolves once the host has read all that was printed, so that no line comes after the report. */
async function flushOutput(): Promise<void> {
  const streams = [process.stdout, process.stderr];
  await Promise.all(
    streams.map((stream) => new Promise<void>((resolve) => void stream.write("", () => resolve()))),
  );
}

async function report(message: EnvironmentReport): Promise<void> {
  await flushOutput();
  host.postMessage(message, []);
}

try {
  const handler = await loadHandler();
  host.on("message", (message: unknown) => {
    void run(handler, invocationSchema.parse(message)).then(report);
  });
  await report({ kind: "ready" });
} catch (error) {
  await report({ kind: "init-failed", error: describe(error) });
}
