import fc from "fast-check";
import { expect, test } from "vitest";
import { admitJobs } from "../../lambdas/admit-jobs/admit-jobs.ts";
import type { IncomingMessage } from "../../lambdas/admit-jobs/open-message.ts";
import { budgetOf, usedOf } from "../../lambdas/domain/budget.ts";
import { jobIdOf, type TenantId } from "../../lambdas/domain/ids.ts";
import { utcDate } from "../../lambdas/domain/instant.ts";
import type { Job } from "../../lambdas/domain/job-state.ts";
import { DEFAULT_TIER_DUE_SECONDS } from "../../lambdas/domain/limits.ts";
import type { Ending } from "../../lambdas/adapters/providers/memory-batch-provider.ts";
import { settleBudgets } from "../../lambdas/sweep-leftovers/settle-budgets.ts";
import { runMessage } from "../../lambdas/run-job/run-messages.ts";
import { answerAll, completion, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const ACME = "acme" as TenantId;
const HOUR = 3_600_000;
const SETTINGS = { tierDueSeconds: DEFAULT_TIER_DUE_SECONDS, maxRequestBytes: 1_000_000 };
/** Every job's reservation: 8 tokens in and 1,000 out on gpt-5-nano. */
const AMOUNT = 400_400_000n;
const BUDGET_MICRO_USD = 3 * 400.4;
const KEYS = 7;

type Crash = { readonly at: number; readonly after: boolean };

/** The ports of one worker that dies at its nth call, before or after what that does, and does nothing more. */
function mortal(gateway: MemoryGateway, crash: Crash | null) {
  let calls = 0;
  let dead = false;
  const wrap = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name === "stream" || name === "list") return member.bind(target) as unknown;
        return async (...parameters: unknown[]) => {
          calls += 1;
          const falls = calls === crash?.at;
          if (falls && !crash.after) dead = true;
          if (dead) throw new Error("this worker is dead");
          // Others have their turn between any two calls.
          await Promise.resolve();
          const answer: unknown = await Reflect.apply(member, target, parameters);
          if (falls) dead = true;
          if (dead) throw new Error("this worker is dead");
          return answer;
        };
      },
    });
  const { tenants, runtime, direct } = gateway;
  return {
    tenants,
    runtime,
    direct,
    objects: wrap(gateway.objects),
    jobs: wrap(gateway.jobs),
    budgets: wrap(gateway.budgets),
    ledger: wrap(gateway.ledger),
    deliveries: wrap(gateway.deliveries),
    runs: wrap(gateway.runs),
    deadLetters: wrap(gateway.deadLetters),
  };
}

class BudgetRun {
  readonly gateway = new MemoryGateway();
  /** Messages that were not deleted yet: SQS delivers them again. */
  waiting: IncomingMessage[] = [];
  readonly violations: string[] = [];
  readonly salt = "acme-".padEnd(40, "s");

  async begin(onLimit: "defer" | "refuse"): Promise<void> {
    const limits = { dailyBudgetMicroUsd: BUDGET_MICRO_USD, onLimit, weight: 1 };
    await this.gateway.addTenant({ tenantId: "acme", limits });
    this.gateway.answer = () => ({ statusCode: 200, body: completion(), retryAfterMs: null });
    const { budgets } = this.gateway;
    const reserve = budgets.reserve.bind(budgets);
    budgets.reserve = async (tenantId, day, reservation) => {
      const answer = await reserve(tenantId, day, reservation);
      const { spent, reserved } = usedOf((await budgets.get(tenantId, day)) ?? EMPTY);
      // Whatever was granted, to whomever: nothing stands above the budget.
      // Noted and not thrown: admission would take it for one more failure.
      if (answer.granted.includes(true) && spent + reserved > budgetOf(BUDGET_MICRO_USD))
        this.violations.push(`${day}: ${spent} spent and ${reserved} reserved`);
      return answer;
    };
  }

  async send(keys: readonly number[], retry: boolean): Promise<void> {
    for (const key of keys) {
      const urgent = key % 3 === 0;
      const body = {
        model: "gpt-5-nano",
        max_completion_tokens: 1000,
        messages: [{ role: "user", content: "hi" }],
      };
      const request = { provider: "openai", endpoint: "/v1/chat/completions", body };
      const tier = urgent ? "critical" : "low";
      const fields = jobMessage({ idempotencyKey: `k${key}`, tier, request, ...(retry && { retry }) });
      this.waiting.push(this.gateway.message(fields, tier));
    }
  }

  /** One delivery of everything that waits, by two workers that run at once; `repeats`: deleted, and delivered again. */
  async deliver(crashes: readonly (Crash | null)[], { repeats = false, sweeps = false } = {}): Promise<void> {
    const messages = this.waiting;
    this.waiting = [];
    const half = Math.ceil(messages.length / 2);
    const shares = [messages.slice(0, half), messages.slice(half)];
    await Promise.all([
      sweeps ? this.#sweepTwice() : undefined,
      ...shares.map(async (share, number) => {
        const ports = mortal(this.gateway, crashes[number] ?? null);
        const patient = share.filter(({ queue }) => queue === "low");
        const { failed } = await admitJobs(patient, ports, SETTINGS);
        const again = new Set(failed.map(({ messageId }) => messageId));
        for (const message of share.filter(({ queue }) => queue !== "low"))
          await runMessage(message, ports, SETTINGS).catch(() => again.add(message.messageId));
        this.waiting.push(...share.filter(({ messageId }) => repeats || again.has(messageId)));
      }),
    ]);
  }

  /** By two workers at once, while others admit. */
  async #sweepTwice(): Promise<void> {
    const failures: unknown[] = [];
    const sweep = () => settleBudgets(mortal(this.gateway, null), failures);
    await Promise.all([sweep(), sweep()]);
    expect(failures).toEqual([]);
  }

  async jobs(): Promise<Job[]> {
    const ids = Array.from({ length: KEYS }, (_, key) => jobIdOf(this.salt, ACME, `k${key}`));
    const found = await this.gateway.jobs.getMany(ids.map((jobId) => ({ tenantId: ACME, jobId })));
    return found.filter((job) => job !== undefined);
  }

  async used() {
    let spent = 0n;
    let reserved = 0n;
    for (let ahead = -1; ahead <= 9; ahead += 1) {
      const day = utcDate(START + ahead * 24 * HOUR);
      const sums = usedOf((await this.gateway.budgets.get(ACME, day)) ?? EMPTY);
      spent += sums.spent;
      reserved += sums.reserved;
    }
    return { spent, reserved };
  }

  /** A window, its batches, what they ask to run, and a sweep. */
  async work(fails = false): Promise<void> {
    for (const batchId of await this.gateway.window())
      await this.gateway.runBatch(batchId, fails ? refuseAll : answerAll);
    for (const request of this.gateway.runs.take()) await this.gateway.runRequested(request);
    expect((await this.gateway.sweep()).failures).toEqual([]);
  }

  /** Nothing was admitted above a budget, and no job that was claimed and has not ended is without its reservation. */
  async check(): Promise<void> {
    expect(this.violations).toEqual([]);
    const open = (await this.jobs()).filter(({ state }) => state !== "ended");
    expect((await this.used()).reserved).toBeGreaterThanOrEqual(AMOUNT * BigInt(open.length));
  }
}

const START = Date.UTC(2026, 10, 21, 12);
const refuseAll = (lines: readonly string[]): Ending => ({
  status: "failed",
  output: [],
  refusals: lines.map((_line, number) => ({ code: "bad", line: number + 1, message: "bad row" })),
});
const EMPTY = { version: 1, settled: "0", chunks: {}, warned: false } as const;

const crash = fc.option(fc.record({ at: fc.integer({ min: 1, max: 30 }), after: fc.boolean() }), { freq: 3 });
const keys = fc.array(fc.nat(KEYS - 1), { minLength: 1, maxLength: 5 });
type Step =
  | { readonly kind: "send"; readonly keys: number[]; readonly retry: boolean }
  | {
      readonly kind: "deliver";
      readonly crashes: [Crash | null, Crash | null];
      readonly repeats: boolean;
      readonly sweeps: boolean;
    }
  | { readonly kind: "work"; readonly fails: boolean }
  | { readonly kind: "wait"; readonly hours: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("send" as const), keys, retry: fc.boolean() }),
  fc.record({
    kind: fc.constant("deliver" as const),
    crashes: fc.tuple(crash, crash),
    repeats: fc.boolean(),
    sweeps: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("work" as const), fails: fc.boolean() }),
  fc.record({ kind: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 8 }) }),
);

/** A worker dies before it has claimed what it reserved for, and no window finishes its segment for more than an hour. */
const LEFT_UNFINISHED: ["refuse", Step[]] = [
  "refuse",
  [
    { kind: "send", keys: [0, 1, 4, 0], retry: false },
    { kind: "deliver", crashes: [null, { at: 5, after: false }], repeats: false, sweeps: false },
    { kind: "wait", hours: 1 },
    { kind: "deliver", crashes: [null, null], repeats: false, sweeps: true },
    { kind: "send", keys: [0], retry: false },
  ],
];

test("budgets hold through crashes, redeliveries and workers at once, and nothing stays reserved in the end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<("defer" | "refuse")[]>("defer", "refuse"),
      fc.array(step, { minLength: 3, maxLength: 15 }),
      async (onLimit, steps) => {
        const run = new BudgetRun();
        await run.begin(onLimit);
        for (const one of steps) {
          if (one.kind === "send") await run.send(one.keys, one.retry);
          else if (one.kind === "deliver") await run.deliver(one.crashes, one);
          else if (one.kind === "work") await run.work(one.fails);
          else run.gateway.now += one.hours * HOUR;
          await run.check();
        }
        for (let hour = 0; hour < 34; hour += 1) {
          run.gateway.now += HOUR;
          await run.deliver([]);
          await run.work();
        }
        await run.check();
        const jobs = await run.jobs();
        expect(jobs.filter(({ state }) => state !== "ended")).toEqual([]);
        const cost = jobs.reduce(
          (sum, job) => sum + (job.state === "ended" ? BigInt(job.costPicoUsd) : 0n),
          0n,
        );
        expect(await run.used()).toEqual({ spent: cost, reserved: 0n });
      },
    ),
    { numRuns: 60, examples: [LEFT_UNFINISHED] },
  );
}, 120_000);
