import { expect, test } from "vitest";
import type { Group } from "../../lambdas/domain/group.ts";
import { rateGate } from "../../lambdas/run-job/rate-gate.ts";

const GROUP: Group = {
  provider: "openai",
  account: "openai",
  endpoint: "/v1/chat/completions",
  model: "gpt-5-nano",
  isolation: "shared",
};

/** A clock that wakes sleepers in order, one at a time, whenever everything else has come to rest. */
function sleepers() {
  let now = 1_000_000;
  const waking: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    runtime: {
      now: () => now,
      sleep: (duration: number) =>
        new Promise<void>((wake) => {
          waking.push({ at: now + duration, wake });
          waking.sort((a, b) => a.at - b.at);
        }),
    },
    rest: async () => {
      for (;;) {
        for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
        const next = waking.shift();
        if (next === undefined) return;
        now = Math.max(now, next.at);
        next.wake();
      }
    },
  };
}

test("whoever waits goes by tier, then by due time, as calls come back", async () => {
  const { runtime, rest } = sleepers();
  const gate = rateGate(runtime);
  gate.tell(GROUP, { retryAfterMs: null, allowance: { requests: 0, resetMs: 60_000, limit: 60 } });
  const order: string[] = [];
  const began = runtime.now();
  const enter = async (name: string, tier: "critical" | "high" | "low", due: number) => {
    await gate.enter(GROUP, { tier, due }, Infinity);
    order.push(`${name} ${Math.round((runtime.now() - began) / 1000)}`);
  };
  const all = [
    enter("low", "low", 1),
    enter("high late", "high", 9),
    enter("critical late", "critical", 9),
    enter("high soon", "high", 5),
    enter("critical soon", "critical", 3),
  ];
  await rest();
  await Promise.all(all);
  // Six calls must have come back before one is left to those that are not critical.
  expect(order).toEqual(["critical soon 1", "critical late 2", "high soon 8", "high late 9", "low 10"]);
});

test("nobody calls before a wait is over, models and accounts are apart, and who cannot wait is told", async () => {
  const { runtime, rest } = sleepers();
  const gate = rateGate(runtime);
  gate.tell(GROUP, { retryAfterMs: 30_000 });
  const caller = { tier: "critical", due: 0 } as const;
  await expect(gate.enter(GROUP, caller, runtime.now() + 29_000)).rejects.toMatchObject({
    name: "ProviderBusyError",
  });
  expect(gate.isOpen(GROUP)).toBe(false);
  expect(gate.isOpen({ ...GROUP, model: "gpt-5" })).toBe(true);
  expect(await gate.enter({ ...GROUP, account: "another" }, caller, runtime.now())).toBe(0);
  const waited = gate.enter({ ...GROUP, isolation: "tenant:acme" }, caller, runtime.now() + 31_000);
  await rest();
  expect(await waited).toBe(30_000);
  expect(gate.isOpen(GROUP)).toBe(true);
});
