import { parseCustomId } from "../../lambdas/domain/ids.ts";
import type { ModelBatch } from "./model-batch.ts";

/** Errors of a failed batch that are no request's doing: they must cost no job an attempt. */
const NOT_COUNTED = /token_limit|billing/;

/**
 * The attempts of each job that failed in a way that may count against it, as the providers know it. A job whose
 * attempts were all burnt may fail; any other may not.
 */
export class JobTries {
  readonly #tries = new Map<string, Set<number>>();
  readonly #excused = new Set<string>();

  /** An attempt that failed by itself, or was given up. */
  failed(jobId: string, attempt: number): void {
    const known = this.#tries.get(jobId);
    if (known === undefined) this.#tries.set(jobId, new Set([attempt]));
    else known.add(attempt);
  }

  /** An attempt that must not count, whatever came of it. */
  notCounted(jobId: string, attempt: number): void {
    this.#tries.get(jobId)?.delete(attempt);
    this.#excused.add(jobId);
  }

  /** Whether some attempt of the job was used up by what was no fault of its own. */
  isExcused(jobId: string): boolean {
    return this.#excused.has(jobId);
  }

  of(jobId: string): number {
    return this.#tries.get(jobId)?.size ?? 0;
  }

  /** A request of a batch that got no answer which could be read. */
  lineFailed({ fate, lines }: ModelBatch, customId: string): void {
    if (fate.noCredit) return;
    const place = lines.findIndex((line) => line.customId === customId) + 1;
    const named = fate.errors.some(({ line }) => line !== null);
    if (fate.status === "failed") {
      if (fate.errors.some(({ code }) => NOT_COUNTED.test(code))) return;
      // Somebody else's row, or a batch that is to be halved until it is one request.
      if (named ? !fate.errors.some(({ line }) => line === place) : lines.length > 1) return;
    }
    this.requestFailed(customId);
  }

  requestFailed(customId: string): void {
    const parsed = parseCustomId(customId);
    if (parsed) this.failed(parsed.jobId, parsed.attempt);
  }
}
