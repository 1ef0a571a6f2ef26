import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { z } from "zod";
import type { Fault } from "./faults.ts";
import type { InvoiceStatement } from "./invoice.ts";
import type { SimulatedBatch } from "./simulator-batches.ts";
import type { ProviderSimulatorOptions } from "./simulator-options.ts";

/** The simulator in a thread of its own: the same surface, made asynchronous. */
export interface ProviderSimulatorThread {
  readonly origin: string;
  readonly openaiBaseUrl: string;
  readonly anthropicBaseUrl: string;
  readonly worker: Worker;
  readonly faults: {
    /** Rejects for anything that is not a fault. */
    add(fault: Fault): Promise<void>;
    clear(): Promise<void>;
    list(): Promise<readonly Fault[]>;
  };
  invoice(): Promise<InvoiceStatement>;
  batches(): Promise<readonly SimulatedBatch[]>;
  close(): Promise<void>;
}

/**
 * Starts the simulator in a worker thread, so that its work never delays the caller's. `timeOffset` is the buffer of the
 * TimeOffset that its clock follows; it lives in the machine's time without.
 */
export async function startProviderSimulatorThread(
  options: Omit<ProviderSimulatorOptions, "clock"> & { readonly timeOffset?: SharedArrayBuffer } = {},
): Promise<ProviderSimulatorThread> {
  const worker = new Worker(new URL("./provider-simulator-worker.ts", import.meta.url), {
    workerData: options,
  });
  const exited = new Promise((resolve) => worker.once("exit", resolve));
  const [message] = await once(worker, "message");
  const origin = z.string().parse(message);
  const at = (path: string) => `${origin}/_simulator/${path}`;
  return {
    origin,
    openaiBaseUrl: `${origin}/openai/v1`,
    anthropicBaseUrl: `${origin}/anthropic`,
    worker,
    faults: {
      add: async (fault) => {
        await send(at("faults"), {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(fault),
        });
      },
      clear: async () => {
        await send(at("faults"), { method: "DELETE" });
      },
      list: async () => (await (await send(at("faults"))).json()) as Fault[],
    },
    invoice: async () => (await (await send(at("invoice"))).json()) as InvoiceStatement,
    batches: async () => (await (await send(at("batches"))).json()) as SimulatedBatch[],
    close: async () => {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin.
      worker.postMessage("close");
      await exited;
    },
  };
}

async function send(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`The simulator answered ${response.status}: ${await response.text()}`);
  return response;
}
