import { describe, expect, it } from "vitest";
import { ResultsGoneError, RetryableError } from "../../lambdas/domain/failures.ts";
import { CUSTOM_IDS, idsOf, providerBench, type ProviderUnderTest } from "./batch-provider-bench.ts";
import { gather } from "./gather.ts";

/** What every adapter must make of a batch's end and of what the provider keeps of it. */
export function describeBatchOutput(subject: ProviderUnderTest): void {
  const { onBench, readAll } = providerBench(subject);

  describe(`batch output: ${subject.name}`, () => {
    it("gives failed lines too, with the request's or the provider's fault told apart", () =>
      onBench(async ({ provider, create, untilEnded, simulator }) => {
        simulator.faults.add({ kind: "line-error", status: 400, customIds: ["job-3-1"] });
        const lines = await readAll(provider, await untilEnded((await create()).id));
        expect(idsOf(lines)).toEqual(CUSTOM_IDS.toSorted());
        const failed = lines.filter((line) => line.kind === "failed");
        expect(failed).toMatchObject([{ customId: "job-3-1", failure: { seen: "request-refused" } }]);
      }));

    it("gives what was answered of an expired batch, and the rest as expired", () =>
      onBench(async ({ provider, create, untilEnded, simulator }) => {
        simulator.faults.add({ kind: "expire-batch", afterLines: 7 });
        const lines = await readAll(provider, await untilEnded((await create()).id));
        expect(idsOf(lines)).toEqual(CUSTOM_IDS.toSorted());
        const expired = lines.filter(
          (line) => line.kind === "failed" && line.failure.seen === "expired-line",
        );
        expect(expired).toHaveLength(13);
      }));

    it("throws RetryableError when a download is cut off, and gives the whole the next time", () =>
      onBench(async ({ provider, create, untilEnded, simulator }) => {
        const ended = await untilEnded((await create()).id);
        simulator.faults.add({ kind: "cut-download", afterBytes: 500 });
        await expect(readAll(provider, ended)).rejects.toBeInstanceOf(RetryableError);
        expect(idsOf(await readAll(provider, ended))).toEqual(CUSTOM_IDS.toSorted());
      }));

    it("stops a download when its reader does", () =>
      onBench(async ({ provider, create, untilEnded }) => {
        const ended = await untilEnded((await create()).id);
        for await (const chunk of provider.output(ended, "output")) {
          expect(chunk.byteLength).toBeGreaterThan(0);
          break;
        }
      }));

    it("cancels, and takes no harm from cancelling again", () =>
      onBench(async ({ provider, create, untilEnded }) => {
        const { id } = await create();
        await provider.cancel(id);
        const { stage, stageSince, createdAt } = await provider.get(id);
        expect(stage).toMatch(/^(cancelling|ended)$/);
        expect(stageSince).toBeGreaterThanOrEqual(createdAt);
        await provider.cancel(id);
        const ended = await untilEnded(id);
        await provider.cancel(id);
        const lines = await readAll(provider, ended);
        expect(lines.every((line) => line.kind === "failed" && line.failure.seen === "cancelled-line")).toBe(
          true,
        );
      }, 5));

    it("shows when it began to cancel", () =>
      onBench(async ({ provider, create, simulator }) => {
        simulator.faults.add({ kind: "stuck-batch", status: "finalizing", evenCancelled: true });
        const { id } = await create();
        await provider.cancel(id);
        const batch = await provider.get(id);
        expect(batch).toMatchObject({ phase: "running", stage: "cancelling" });
        expect(batch.stageSince).toBeGreaterThanOrEqual(batch.createdAt);
      }));

    it("deletes what the provider keeps of a batch, once or twice, and then its results are gone", () =>
      onBench(async ({ provider, create, untilEnded, simulator }) => {
        simulator.faults.add({ kind: "line-error", status: 400, customIds: ["job-3-1"] });
        const ended = await untilEnded((await create()).id);
        await provider.deleteFiles(ended);
        await provider.deleteFiles(ended);
        await expect(gather(provider.output(ended, "output"))).rejects.toBeInstanceOf(ResultsGoneError);
        expect(simulator.files()).toEqual([]);
        const listed = await gather(provider.listSince(ended.createdAt));
        expect(listed).toHaveLength(subject.name === "openai" ? 1 : 0);
      }));

    it("throws RetryableError when files cannot be deleted for now", () =>
      onBench(async ({ provider, create, untilEnded, simulator }) => {
        const ended = await untilEnded((await create()).id);
        const deleting = subject.name === "openai" ? "openai.files.delete" : "anthropic.batches.delete";
        simulator.faults.add({
          kind: "http-error",
          operation: deleting,
          status: 429,
          retryAfterSeconds: 0.01,
          times: 12,
        });
        await expect(provider.deleteFiles(ended)).rejects.toBeInstanceOf(RetryableError);
        simulator.faults.clear();
        await provider.deleteFiles(ended);
      }));

    it("throws ResultsGoneError for results that the provider has no longer", () =>
      onBench(async ({ provider, create, untilEnded, simulator }) => {
        simulator.faults.add({ kind: "results-gone" });
        const ended = await untilEnded((await create()).id);
        expect(ended).toMatchObject({ phase: "ended", stage: "ended", counts: { completed: 20 } });
        await expect(gather(provider.output(ended, "output"))).rejects.toBeInstanceOf(ResultsGoneError);
      }));
  });
}
