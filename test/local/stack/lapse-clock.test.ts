import { describe, expect, onTestFinished, test } from "vitest";
import { LapseClock } from "../../../local/stack/lapse-clock.ts";

const LONG_MS = 600_000;
const never = new AbortController().signal;

function started(idle: () => boolean): LapseClock {
  const clock = new LapseClock();
  clock.start(idle);
  onTestFinished(() => clock.stop());
  return clock;
}

describe("a clock in time lapse", () => {
  test("passes ten minutes in a moment while nothing runs, and fires its timers in order", async () => {
    const clock = started(() => true);
    const [began, reallyBegan] = [clock.now(), performance.now()];
    const order: string[] = [];
    await Promise.all([
      clock.sleep(LONG_MS, never).then(() => order.push("all")),
      clock.sleep(LONG_MS / 2, never).then(() => order.push("half")),
    ]);
    expect(order).toEqual(["half", "all"]);
    expect(clock.now() - began).toBeGreaterThanOrEqual(LONG_MS);
    expect(performance.now() - reallyBegan).toBeLessThan(LONG_MS / 60);
  });

  test("runs like the machine's while something does", async () => {
    let looks = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const clock = started(() => {
      looks += 1;
      if (looks === 5) resolve();
      return false;
    });
    const ahead = clock.now() - Date.now();
    await promise;
    // Both are read in whole milliseconds, one after the other.
    expect(Math.abs(clock.now() - Date.now() - ahead)).toBeLessThanOrEqual(1);
  });

  test("a sleep ends with its signal's reason, and at once when there is nothing to wait for", async () => {
    const clock = new LapseClock();
    const stopping = new AbortController();
    const sleeping = clock.sleep(LONG_MS, stopping.signal);
    stopping.abort(new Error("stopped"));
    await expect(sleeping).rejects.toThrow("stopped");
    await expect(clock.sleep(1, stopping.signal)).rejects.toThrow("stopped");
    await expect(clock.sleep(0, never)).resolves.toBeUndefined();
  });
});
