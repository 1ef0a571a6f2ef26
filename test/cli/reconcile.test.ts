import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runOffpeak } from "../../cli/program.ts";
import { aPlan, anEntry, NOON } from "../contracts/sample-records.ts";
import {
  answered,
  jobOf,
  putSettledBatch,
  refused,
  type SettledBatch,
  unanswered,
} from "../lambdas/support/settled-batch.ts";
import { startStackFixture, type StackFixture } from "./stack-fixture.ts";

const DAY = 86_400_000;
const THREE_HOURS = 3 * 3_600_000;

let fixture: StackFixture;

/** A batch that was settled in the morning of the fixture's noon, or `days` before. */
async function put(number: number, batch: SettledBatch, days = 0) {
  const { objects, ledger } = fixture.open();
  const { batches, jobs } = fixture;
  const plannedAt = NOON - THREE_HOURS - days * DAY;
  const stores = { objects, ledger, batches, jobs };
  return putSettledBatch(stores, number, { completedAt: plannedAt + 60_000, plan: { plannedAt }, ...batch });
}

describe("reconcile", () => {
  beforeAll(async () => {
    fixture = await startStackFixture();
  });
  afterAll(async () => await fixture.stop());

  test("nothing was settled", async () => {
    const { code, out } = await fixture.offpeak("reconcile");
    expect({ code, out }).toEqual({ code: 0, out: "0 batches, sum $0.000000000000, no differences\n" });
  });

  test("all is as it should be: the sum, and how many batches are still open", async () => {
    await put(1, { requests: [answered("acme", "1"), refused("acme", "2"), answered("globex", "1")] });
    await put(2, { requests: [answered("acme", "3"), unanswered("acme", "4")] }, 1);
    await fixture.batches.register(aPlan(3, "anthropic"));
    const { code, out, error } = await fixture.offpeak("reconcile");
    expect({ code, error }).toEqual({ code: 0, error: "" });
    expect(out).toBe("1 open batch left out.\n\n2 batches, sum $0.000135000000, no differences\n");
    expect(await fixture.json("reconcile")).toEqual({
      batches: 2,
      open: 1,
      costPicoUsd: "135000000",
      differences: [],
      unconfirmed: [],
    });
  });

  test("--since and --batch say which", async () => {
    const { batchId } = aPlan(1, "openai");
    expect(await fixture.json("reconcile", "--batch", batchId)).toMatchObject({
      batches: 1,
      costPicoUsd: "90000000",
    });
    const { batchId: old } = await put(4, { requests: [answered("acme", "old")] }, 9);
    expect(await fixture.json("reconcile")).toMatchObject({ batches: 2 });
    expect(await fixture.json("reconcile", "--since", "2026-11-12")).toMatchObject({ batches: 3 });
    expect(await fixture.json("reconcile", "--batch", old)).toMatchObject({ batches: 1 });
  });

  test("a person sees how far it is, and the line is gone in the end", async () => {
    const { out } = await fixture.offpeak("reconcile");
    const printed = { out: "", error: "" };
    await runOffpeak(["reconcile", "--outputs", fixture.outputsFile], {
      out: (text) => void (printed.out += text),
      error: (text) => void (printed.error += text),
      now: () => NOON,
      interactive: true,
    });
    expect(printed.out).toBe(out);
    expect(printed.error).toContain("2 of 2 batches read");
    expect(printed.error.endsWith("\u001B[2K")).toBe(true);
  });

  test.each([
    [["--since", "yesterday"], "--since is a day"],
    [["--since", "2026-10-01"], "begin at 2026-10-23 or later"],
    [["--since", "2026-11-20", "--batch", "b-aaaaaaaaaaaaaaaaaaaa"], "not both"],
    [["--batch", "b-aaaaaaaaaaaaaaaaaaaa"], "no batch b-aaaaaaaaaaaaaaaaaaaa"],
    [["--batch", "nonsense"], "no batch nonsense"],
    [["--batch", aPlan(3, "anthropic").batchId], "is still planned"],
  ])("%j is refused with what to do", async (args, problem) => {
    const { code, out, error } = await fixture.offpeak("reconcile", ...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(error).toContain(problem);
  });
});

describe("differences", () => {
  const uncharged = [answered("acme", "1"), answered("globex", "1", { charged: false })];
  const left = unanswered("acme", "2", { job: "queued" });

  beforeAll(async () => {
    fixture = await startStackFixture();
    const { batchId } = await put(1, { requests: [...uncharged, left] });
    const nothing = { ...anEntry("2026-11-21#x").usage, inputTokens: 0, outputTokens: 0 };
    await fixture
      .open()
      .ledger.record([
        anEntry("2026-11-21#estimate", { kind: "unconfirmed", batchId, answers: 0, usage: nothing }),
        anEntry("2026-11-21#stranger", { batchId: aPlan(9).batchId, costPicoUsd: "7000000" }),
      ]);
    await put(2, { requests: [answered("acme", "3")] });
    const { objects } = fixture.open();
    await objects.delete([`batches/${aPlan(2, "openai").batchId}/manifest.jsonl`]);
  });
  afterAll(async () => await fixture.stop());

  test("end with exit code 1, each with its batch, tenant or jobs, and the amounts", async () => {
    const { code, out } = await fixture.offpeak("reconcile");
    expect(code).toBe(1);
    const { batchId } = aPlan(1, "openai");
    for (const text of [
      `${batchId}, globex: the ledger differs for healthcare / front-desk / post_call_summary / gpt-5-nano`,
      "expected $0.000045000000, found $0.000000000000",
      `${batchId}: 1 job that neither ended nor moved on`,
      `acme ${jobOf(left)}`,
      `${aPlan(2, "openai").batchId}: cannot be compared`,
      `${aPlan(9).batchId}: acme was charged $0.000007000000 for it, and there is no such batch`,
      `${batchId}, acme: $0.000048300000 is an estimate`,
      "2 batches, sum $0.000090000000, 4 differences",
    ])
      expect(out).toContain(text);
    // What agrees is not printed.
    expect(out).not.toContain("cached input tokens");
  });

  test("for machines", async () => {
    const { code, out } = await fixture.offpeak("reconcile", "--json");
    expect(code).toBe(1);
    const { differences, ...rest } = JSON.parse(out) as { differences: { kind: string }[] };
    expect(rest).toMatchObject({
      batches: 2,
      costPicoUsd: "90000000",
      unconfirmed: [{ tenantId: "acme", costPicoUsd: "48300000" }],
    });
    expect(differences.toSorted((a, b) => (a.kind < b.kind ? -1 : 1))).toMatchObject([
      {
        kind: "charge",
        tenantId: "globex",
        expected: { costPicoUsd: "45000000", answers: 1, jobs: 1 },
        found: { costPicoUsd: "0", answers: 0 },
      },
      { kind: "jobs", problem: "unended", count: 1, jobs: [{ tenantId: "acme", jobId: jobOf(left) }] },
      { kind: "unknown-batch", foundPicoUsd: "7000000" },
      { kind: "unreadable" },
    ]);
  });
});
