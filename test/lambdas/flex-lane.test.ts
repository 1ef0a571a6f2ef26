import { beforeEach, describe, expect, test } from "vitest";
import { MemoryOutbox } from "../../lambdas/adapters/memory-outbox.ts";
import { lanesOf } from "../../lambdas/domain/job-lanes.ts";
import { BATCH_LATE } from "../../lambdas/domain/job-state.ts";
import { LostAnswerError } from "../../lambdas/domain/failures.ts";
import type { RunJobRequest, RunRequest } from "../../lambdas/domain/internal-messages.ts";
import type { DirectLane } from "../../lambdas/domain/vocabulary.ts";
import type { CallAnswer } from "../../lambdas/ports.ts";
import { DIRECT_SETTINGS } from "../../lambdas/run-job/direct-work.ts";
import { flexSettings } from "../../lambdas/run-flex/flex-settings.ts";
import { breakNext } from "./support/break-next.ts";
import { answerAll, completion, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

/** gpt-5-nano, 1,000 tokens in and 100 out: at once at $0.05/M and $0.40/M, in batch and flex half of it. */
const SYNC_PICO = "90000000";
const HALF_PICO = "45000000";

const answered = (tier?: string): CallAnswer => ({
  statusCode: 200,
  retryAfterMs: null,
  body: { ...completion(), ...(tier && { service_tier: tier }) },
});
const refusal = (statusCode: number, code = "resource_unavailable"): CallAnswer => ({
  statusCode,
  retryAfterMs: 45_000,
  body: { error: { code, message: "Resource Unavailable" } },
});

let gateway: MemoryGateway;
let lanes: DirectLane[];
beforeEach(async () => {
  gateway = new MemoryGateway();
  gateway.directSettings = flexSettings(720_000);
  lanes = [];
  await gateway.addTenant({ tenantId: "acme" });
});

/** Answers calls in turn, and keeps their lanes. */
function answers(...list: (CallAnswer | Error)[]) {
  gateway.answer = (_body, { lane }) => {
    lanes.push(lane);
    return list.shift() ?? new Error("one call too many");
  };
}

/** A waiting job, in a window of which the planner chose the flex lane for it. */
async function planned(fields: Record<string, unknown> = {}): Promise<RunJobRequest> {
  await gateway.admit([gateway.message(jobMessage(fields))]);
  const [index] = await Array.fromAsync(gateway.objects.list("segments/index"));
  const text = Buffer.from((await gateway.objects.get(index!.key))!).toString();
  const { tenantId, jobId, source, attempt } = JSON.parse(text.split("\n")[0]!) as RunJobRequest;
  const lane = { lane: "flex", reason: "the batch would be late" } as const;
  return { version: 1, kind: "run", tenantId, jobId, source, attempt, reason: "planned", lane };
}

const told = async ({ tenantId, jobId }: RunJobRequest) => {
  const job = await gateway.jobs.get(tenantId, jobId);
  return (
    job && { attempt: job.attempt, roundStart: job.roundStart, lanes: lanesOf(job).map(({ lane }) => lane) }
  );
};

describe("a call of the flex lane", () => {
  test("is charged at the price of a batch, and the job tells of it", async () => {
    const request = await planned();
    answers(answered("flex"));
    expect(await gateway.runRequested(request)).toBe("ended");
    expect(lanes).toEqual(["flex"]);
    expect(await gateway.results("acme")).toMatchObject([{ lane: "flex", costPicoUsd: HALF_PICO }]);
    expect(await gateway.entries("acme")).toMatchObject([
      { kind: "direct", lane: "flex", costPicoUsd: HALF_PICO, syncCostPicoUsd: SYNC_PICO },
    ]);
    expect(await told(request)).toEqual({ attempt: 1, roundStart: 1, lanes: ["batch", "flex"] });
  });

  test("that was served as an ordinary one is charged as one", async () => {
    answers(answered("default"));
    await gateway.runRequested(await planned());
    expect(await gateway.entries("acme")).toMatchObject([{ lane: "sync", costPicoUsd: SYNC_PICO }]);
  });

  test("without capacity is made at once in the next lane, and costs no attempt and no wait", async () => {
    const request = await planned();
    answers(refusal(429), answered());
    gateway.directSettings = { ...flexSettings(60_000), flexAgain: undefined };
    const before = gateway.now;
    await gateway.runRequested(request);
    expect(gateway.now).toBe(before);
    expect(lanes).toEqual(["flex", "sync"]);
    expect(await told(request)).toEqual({ attempt: 2, roundStart: 2, lanes: ["batch", "flex", "sync"] });
    const job = await gateway.jobs.get(request.tenantId, request.jobId);
    expect(job?.laneReason).toBe("flex had no capacity; before: the batch would be late");
    expect(await gateway.entries("acme")).toMatchObject([{ lane: "sync", costPicoUsd: SYNC_PICO }]);
  });

  test("without capacity is made again in a while where there is time, and only then in the next lane", async () => {
    answers(refusal(429), refusal(429), refusal(429), refusal(429), answered());
    gateway.directSettings = { ...flexSettings(60_000) };
    const before = gateway.now;
    await gateway.runRequested(await planned());
    expect(lanes).toEqual(["flex", "flex", "flex", "flex", "sync"]);
    expect(gateway.now - before).toBe(90_000);
  });

  test("without capacity leaves all three attempts to the next lane", async () => {
    answers(refusal(429), refusal(500), refusal(500), answered());
    gateway.directSettings = { ...flexSettings(60_000), flexAgain: undefined };
    expect(await gateway.runRequested(await planned())).toBe("ended");
    expect(lanes).toEqual(["flex", "sync", "sync", "sync"]);
  });

  test("of a worker that dies before the dead letter is sent leaves that to the next, whatever was refused before", async () => {
    const request = await planned();
    answers(refusal(429), refusal(429), refusal(500), refusal(500), refusal(500));
    breakNext(gateway.deadLetters, "send", "before");
    await expect(gateway.runRequested(request)).rejects.toThrow("died");
    expect(await gateway.runRequested(request)).toBe("duplicate");
    expect(gateway.deadLetters.take("normal")).toMatchObject([{ kind: "job", attempts: 5 }]);
  });

  test("that nobody answers is named at its own price, and the next is made at once", async () => {
    answers(new LostAnswerError("cut"), answered());
    await gateway.runRequested(await planned());
    const entries = await gateway.entries("acme");
    expect(entries.map(({ kind, lane }) => [kind, lane])).toEqual([
      ["direct", "sync"],
      ["unconfirmed", "flex"],
    ]);
    const [, lost] = entries;
    expect(2n * BigInt(lost!.costPicoUsd)).toBe(BigInt(lost!.syncCostPicoUsd));
  });

  test("is cut off when its time is up, however the provider takes it", async () => {
    const request = await planned();
    gateway.answer = (_body, { lane, signal }) => {
      lanes.push(lane);
      if (lane === "sync") return answered();
      expect(signal.aborted).toBe(false);
      queueMicrotask(() => gateway.elapse(720_000));
      return new Promise(() => {});
    };
    expect(await gateway.runRequested(request)).toBe("ended");
    expect(lanes).toEqual(["flex", "sync"]);
    expect((await gateway.entries("acme")).map(({ kind }) => kind)).toEqual(["direct", "unconfirmed"]);
  });

  test("is an ordinary one for a model that is not sold in the lane", async () => {
    const body = { model: "gpt-4.1-nano", messages: [{ role: "user", content: "Hello" }] };
    answers(answered());
    await gateway.runRequested(await planned({ request: { ...(jobMessage()["request"] as object), body } }));
    expect(lanes).toEqual(["sync"]);
  });

  test("is passed on to its own worker where there is one", async () => {
    const request = await planned();
    const flexRuns = new MemoryOutbox<RunRequest>();
    Object.assign(gateway, { flexRuns });
    expect(await gateway.runRequested(request)).toBe("passed-on");
    expect(gateway.calls).toBe(0);
    expect(flexRuns.take()).toEqual([request]);
  });

  describe("beside workers for what flex has no room for", () => {
    let syncRuns: MemoryOutbox<RunRequest>;
    beforeEach(() => {
      syncRuns = new MemoryOutbox<RunRequest>();
      Object.assign(gateway, { syncRuns });
      gateway.directSettings = { ...flexSettings(60_000), flexAgain: undefined };
    });

    test("leaves the next call to one of them, which has all the attempts that are left", async () => {
      const request = await planned();
      answers(refusal(429), refusal(500), refusal(500), answered());
      expect(await gateway.runRequested(request)).toBe("handed-on");
      expect(lanes).toEqual(["flex"]);
      const [next, ...more] = syncRuns.take();
      expect(more).toEqual([]);
      expect(await gateway.runRequested(next!)).toBe("ended");
      expect(await told(request)).toEqual({ attempt: 4, roundStart: 2, lanes: ["batch", "flex", "sync"] });
      expect(await gateway.entries("acme")).toMatchObject([{ lane: "sync", costPicoUsd: SYNC_PICO }]);
    });

    test("and a worker that dies before it asks leaves that to its message", async () => {
      const request = await planned();
      answers(refusal(429), answered());
      breakNext(syncRuns, "send", "before");
      await expect(gateway.runRequested(request)).rejects.toThrow("died");
      expect(await gateway.runRequested(request)).toBe("duplicate");
      const [next] = syncRuns.take();
      expect(await gateway.runRequested(next!)).toBe("ended");
      expect(await gateway.runRequested(next!)).toBe("duplicate");
      expect(lanes).toEqual(["flex", "sync"]);
    });

    test("and a job that was cancelled meanwhile is asked for no more", async () => {
      const request = await planned();
      gateway.answer = async () => {
        const job = await gateway.jobs.get(request.tenantId, request.jobId);
        const cancel = { idempotencyKey: "call-1/summary", cancelId: "c", sentAt: gateway.now };
        const { tenantId, jobId } = job!;
        await gateway.runRequested({ version: 1, kind: "cancel", tenantId, jobId, ...cancel });
        return refusal(429);
      };
      expect(await gateway.runRequested(request)).toBe("handed-on");
      expect(syncRuns.take()).toEqual([]);
      expect(await gateway.results("acme")).toMatchObject([{ status: "cancelled" }]);
    });
  });

  test("of a worker that died after its answer is charged from what was stored, in its lane", async () => {
    const request = await planned();
    answers(answered("flex"));
    breakNext(gateway.jobs, "end", "before");
    await expect(gateway.runRequested(request)).rejects.toThrow("died");
    gateway.now += gateway.directSettings.leaseMs;
    expect(await gateway.runRequested(request)).toBe("ended");
    expect(await gateway.runRequested(request)).toBe("duplicate");
    expect(await gateway.entries("acme")).toMatchObject([
      { lane: "flex", costPicoUsd: HALF_PICO, syncCostPicoUsd: SYNC_PICO },
    ]);
  });
});

describe("a job that leaves a late batch", () => {
  /** In a batch that was submitted, and moved on at its cut-off. */
  async function escalated(lane: DirectLane) {
    await gateway.admit([gateway.message(jobMessage())]);
    const [batchId] = await gateway.window();
    const [index] = await Array.fromAsync(gateway.objects.list("segments/index"));
    const text = Buffer.from((await gateway.objects.get(index!.key))!).toString();
    const { tenantId, jobId, source } = JSON.parse(text.split("\n")[0]!) as RunJobRequest;
    const move = { tenantId, jobId, attempt: 1, by: `escalate-${batchId}`, at: gateway.now };
    await gateway.jobs.requeue({ ...move, code: BATCH_LATE, counts: false });
    const reason = "its batch would come too late";
    const request = {
      version: 1,
      kind: "run",
      tenantId,
      jobId,
      source,
      attempt: 2,
      reason: "escalated",
    } as const;
    return { batchId: batchId!, request: { ...request, lane: { lane, reason } } };
  }
  const money = async () =>
    (await gateway.entries("acme")).map(({ kind, jobs, costPicoUsd, premiumPicoUsd = "0" }) => [
      kind,
      jobs,
      costPicoUsd,
      premiumPicoUsd,
    ]);

  beforeEach(() => {
    gateway.directSettings = DIRECT_SETTINGS;
  });

  test("pays what the faster lane costs above the batch, and all of an answer that its batch gives too late", async () => {
    const { batchId, request } = await escalated("sync");
    answers(answered());
    await gateway.runRequested(request);
    await gateway.runBatch(batchId, answerAll);
    expect(await gateway.results("acme")).toMatchObject([{ lane: "sync", attempts: 2 }]);
    const both = [
      ["batch", 0, HALF_PICO, HALF_PICO],
      ["direct", 1, SYNC_PICO, HALF_PICO],
    ];
    expect((await money()).toSorted()).toEqual(both);
    // Once more, whoever repeats it.
    await gateway.settle(batchId, 0);
    await gateway.runRequested(request);
    expect((await money()).toSorted()).toEqual(both);
  });

  test("pays nothing on top for flex, which costs what the batch costs", async () => {
    const { request } = await escalated("flex");
    answers(answered("flex"));
    await gateway.runRequested(request);
    expect(await money()).toEqual([["direct", 1, HALF_PICO, "0"]]);
  });

  test("takes its batch's answer when that is first: then all of the call was on top", async () => {
    const { batchId, request } = await escalated("sync");
    gateway.answer = async () => {
      await gateway.runBatch(batchId, answerAll);
      return answered();
    };
    await gateway.runRequested(request);
    expect(await gateway.results("acme")).toMatchObject([{ lane: "batch", attempts: 1 }]);
    expect((await money()).toSorted()).toEqual([
      ["batch", 1, HALF_PICO, "0"],
      ["direct", 0, SYNC_PICO, SYNC_PICO],
    ]);
  });
});
