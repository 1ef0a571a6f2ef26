import type { TimeOffset } from "../lambda/time-offset.ts";
import type { SimulatorClock } from "./clock.ts";

const LOOK_EVERY_MS = 5;

/** The clock of a stack whose time is ahead of the machine's and may jump: timers look whether they are due. */
export function offsetClock(offset: TimeOffset): SimulatorClock {
  return {
    now: () => offset.now(),
    schedule: (callback, milliseconds) => {
      const at = offset.now() + milliseconds;
      const timer = setInterval(() => {
        if (offset.now() < at) return;
        clearInterval(timer);
        callback();
      }, LOOK_EVERY_MS);
      return () => clearInterval(timer);
    },
  };
}
