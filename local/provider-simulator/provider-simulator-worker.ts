import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { TimeOffset } from "../lambda/time-offset.ts";
import { offsetClock } from "./offset-clock.ts";
import { startProviderSimulator } from "./start-provider-simulator.ts";

// The entry of the simulator's own thread: reports the origin once it listens, and closes on the first message.
const { timeOffset } = z.object({ timeOffset: z.instanceof(SharedArrayBuffer).optional() }).parse(workerData);
const simulator = await startProviderSimulator({
  ...workerData,
  ...(timeOffset === undefined ? {} : { clock: offsetClock(new TimeOffset(timeOffset)) }),
});
parentPort?.once("message", () => {
  void simulator.close().then(() => parentPort?.close());
});
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin.
parentPort?.postMessage(simulator.origin);
