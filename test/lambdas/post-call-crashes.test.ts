import { expect, test } from "vitest";
import type { AnalysisJob } from "../../lambdas/domain/post-call/analysis-job.ts";
import type { ResultMessage } from "../../lambdas/domain/result-message.ts";
import { type InvalidAnalysis, takeAnalyses } from "../../lambdas/take-analyses/take-analyses.ts";
import { takeTranscripts } from "../../lambdas/take-transcripts/take-transcripts.ts";
import { breakNext } from "./support/break-next.ts";
import { answeredBy, call, PostCallBench } from "./support/post-call.ts";

// A worker that dies before or after any of its calls, and the message that comes again: what is there in the end is what
// would be there without the death, but for repeats, which the gateway (by key) and the tenant (by id) drop.

const KEY = "inbox/tenant=acme/calls.jsonl";
const GOOD = { summary: "A table was booked.", sentiment: 0.2, leadScore: 80 };

async function freshBench(): Promise<PostCallBench> {
  const bench = new PostCallBench();
  await bench.addTenant("acme", { workloads: { postCall: { vertical: "salon", model: "gpt-5-nano" } } });
  const lines = ["a", "b", "c"].map((id) => JSON.stringify(call(id, `Call ${id}`)));
  await bench.objects.put(KEY, `${lines.join("\n")}\nno call\n`);
  return bench;
}

const DROPPED = JSON.stringify({
  Records: [{ eventSource: "aws:s3", s3: { bucket: { name: "memory" }, object: { key: KEY } } }],
});
const SENT = JSON.stringify({ version: 1, tenantId: "acme", transcript: call("d", "Call d") });

/** Takes both inputs, then the results of their jobs: two good ones, one invalid, one invalid for the second time. */
const STEPS: readonly ((bench: PostCallBench, seen: Seen) => Promise<unknown>)[] = [
  (bench) => takeTranscripts({ messageId: "m-1", body: DROPPED, senderId: null, sentAt: 0 }, bench),
  (bench) => takeTranscripts({ messageId: "m-2", body: SENT, senderId: null, sentAt: 0 }, bench),
  (bench, { jobs }) => {
    const firsts = [...jobs.values()].filter(({ tier }) => tier === "normal");
    const results = firsts.map((job, number) => answeredBy(job, number < 2 ? GOOD : "nonsense"));
    const again = answeredBy({ ...firsts[3]!, idempotencyKey: "post-call-alone/d" }, "nonsense");
    return takeAnalyses(JSON.stringify({ version: 1, results: [...results, again] }), bench);
  },
];

/** Everything that went out, repeats dropped as the receiver drops them. */
type Seen = {
  readonly jobs: Map<string, AnalysisJob>;
  readonly results: Map<string, ResultMessage>;
  readonly letters: Map<string, InvalidAnalysis>;
};

function collect(bench: PostCallBench, { jobs, results, letters }: Seen): void {
  for (const job of bench.jobs.take()) {
    // A key must always have the same request: the gateway refuses another.
    expect(jobs.get(job.idempotencyKey) ?? job).toEqual(job);
    jobs.set(job.idempotencyKey, job);
  }
  for (const result of bench.results("acme")) results.set(`${result.jobId} ${result.messageId}`, result);
  for (const letter of bench.deadLetters.take()) letters.set(letter.result.jobId ?? "", letter);
}

/** Runs the steps; from one of them on, a worker dies at the next call of a port, and its message comes again. */
async function run(death?: { readonly step: number; readonly arm: (bench: PostCallBench) => void }) {
  const bench = await freshBench();
  const seen: Seen = { jobs: new Map(), results: new Map(), letters: new Map() };
  let deaths = 0;
  for (const [number, step] of STEPS.entries()) {
    if (death?.step === number) death.arm(bench);
    try {
      await step(bench, seen);
    } catch {
      deaths += 1;
      collect(bench, seen);
      await step(bench, seen);
    }
    collect(bench, seen);
  }
  const kept = await Array.fromAsync(bench.objects.list("workloads/"), ({ key }) => key);
  return { seen, kept, deaths };
}

const DEATHS = STEPS.flatMap((_step, step) =>
  (["before", "after"] as const).flatMap((when) =>
    [
      ["jobs", (bench: PostCallBench) => breakNext(bench.jobs, "send", when)] as const,
      ["results", (bench: PostCallBench) => breakNext(bench.queues, "send", when)] as const,
      ["dead letters", (bench: PostCallBench) => breakNext(bench.deadLetters, "send", when)] as const,
      ["objects", (bench: PostCallBench) => breakNext(bench.objects, "put", when)] as const,
    ].map(([port, arm]) => ({ step, when, port, arm })),
  ),
);

test("nothing is lost or made twice, wherever a worker dies", async () => {
  const undisturbed = await run();
  expect(undisturbed.seen.jobs.size).toBe(6);
  expect(undisturbed.seen.results.size).toBe(4);
  expect(undisturbed.seen.letters.size).toBe(1);
  for (const { step, when, port, arm } of DEATHS) {
    const disturbed = await run({ step, arm });
    expect(disturbed.deaths).toBe(1);
    expect(disturbed.seen, `${port}, ${when}, step ${step}`).toEqual(undisturbed.seen);
    expect(disturbed.kept).toEqual(undisturbed.kept);
  }
});
