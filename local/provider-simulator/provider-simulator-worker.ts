import { parentPort, workerData } from "node:worker_threads";
import { startProviderSimulator } from "./start-provider-simulator.ts";

// The entry of the simulator's own thread: reports the origin once it listens, and closes on the first message.
const simulator = await startProviderSimulator(workerData);
parentPort?.once("message", () => {
  void simulator.close().then(() => parentPort?.close());
});
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin.
parentPort?.postMessage(simulator.origin);
