import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { decideLease } from "../domain/direct-lease.ts";
import type { JobId, TenantId } from "../domain/ids.ts";
import {
  type Claim,
  type ClaimOutcome,
  type DeadLetterMove,
  type DirectLease,
  type Job,
  JOB_VERSION,
  type JobEnd,
  jobSchema,
  type LeaseOutcome,
  type RequeueMove,
  type TransitionOutcome,
} from "../domain/job-state.ts";
import { decideClaim, decideDeadLetter, decideEnd, decideRequeue } from "../domain/job-transitions.ts";
import type { JobMap } from "../ports.ts";
import { type Decision, decideOnItem, newWriteId } from "./dynamo-decision.ts";
import { DynamoTable, type Item } from "./dynamo-table.ts";
import { parseStored } from "./stored-record.ts";

/** Seconds for which an ended job answers its duplicates. */
const KEPT_AFTER_END = 30 * 86_400;

type JobRef = { readonly tenantId: TenantId; readonly jobId: JobId };

function keyOf({ tenantId, jobId }: JobRef) {
  return { pk: `${tenantId}#${jobId}` };
}

function parseJob(item: Item): Job {
  return parseStored(jobSchema, item, `job ${String(item["pk"])}`);
}

function expiryOf(endedAt: number): number {
  return Math.floor(endedAt / 1000) + KEPT_AFTER_END;
}

function toItem(job: Job): Item {
  return job.state === "ended" ? { ...job, expiresAt: expiryOf(job.endedAt) } : job;
}

/** The attributes that only jobs which have not ended have. */
const UNENDED_ONLY = ["requeuedBy", "leaseOwner", "leaseUntil", "intent", "deadLetteredBy"];

/** The job map: one item per job, `pk` = `<tenantId>#<jobId>`, the job's fields as attributes, `expiresAt` once ended. */
export class DynamoJobMap implements JobMap {
  readonly #table: DynamoTable;

  constructor(client: DynamoDBDocumentClient, tableName: string) {
    this.#table = new DynamoTable(client, tableName);
  }

  async get(tenantId: TenantId, jobId: JobId): Promise<Job | undefined> {
    const item = await this.#table.get(keyOf({ tenantId, jobId }));
    return item && parseJob(item);
  }

  /** Reads each job once, a hundred in a call. */
  async getMany(jobs: readonly JobRef[]): Promise<(Job | undefined)[]> {
    const distinct = [...new Set(jobs.map((job) => keyOf(job).pk))].map((pk) => ({ pk }));
    const items = await this.#table.getAll(distinct, { consistent: false });
    const found = new Map(items.map((item) => [item["pk"], item]));
    return jobs.map((job) => {
      const item = found.get(keyOf(job).pk);
      // One that another release wrote says nothing to this one, and holds up none of the others.
      return item && jobSchema.safeParse(item).data;
    });
  }

  /** One write for a new job; a read besides for a duplicate. */
  async claim(claim: Claim): Promise<ClaimOutcome> {
    const decide = (current: Job | undefined): Decision<Job, ClaimOutcome> => {
      const { next, ...answer } = decideClaim(current, claim);
      return { answer, next };
    };
    return this.#decide(claim, decide, true);
  }

  /** One write for a new job, as for a claim. */
  async lease(lease: DirectLease): Promise<LeaseOutcome> {
    const decide = (current: Job | undefined): Decision<Job, LeaseOutcome> => {
      const answer = decideLease(current, lease);
      return { answer, next: answer.kind === "leased" ? answer.job : undefined };
    };
    return this.#decide(lease, decide, true);
  }

  /** One write for a job that ends in the common way; reads only when that is refused. */
  async end(end: JobEnd): Promise<TransitionOutcome> {
    if (await this.#endUnread(end)) return "won";
    return this.#decide(end, (current) => withAnswer(decideEnd(current, end)));
  }

  async requeue(move: RequeueMove): Promise<TransitionOutcome> {
    return this.#decide(move, (current) => withAnswer(decideRequeue(current, move)));
  }

  async deadLetter(move: DeadLetterMove): Promise<TransitionOutcome> {
    return this.#decide(move, (current) => withAnswer(decideDeadLetter(current, move)));
  }

  async #decide<Answer>(
    job: JobRef,
    decide: (current: Job | undefined) => Decision<Job, Answer>,
    expectAbsent = false,
  ): Promise<Answer> {
    return decideOnItem({
      table: this.#table,
      key: keyOf(job),
      parse: parseJob,
      toItem,
      decide,
      expectAbsent,
    });
  }

  /**
   * `decideEnd` for a job that has not ended and is at the end's own attempt, or past it if the end is a success: what
   * is stored besides the new fields stays as it is, so nothing need be read. False leaves it to a decision on the
   * item, which also knows the re-run of the step that won.
   */
  async #endUnread(end: JobEnd): Promise<boolean> {
    const { status, endedBy, result, costPicoUsd, producedAt, effectiveUntil, endedAt } = end;
    const attributes: Item = {
      state: "ended",
      status,
      endedBy,
      result,
      costPicoUsd,
      producedAt,
      effectiveUntil,
      endedAt,
      expiresAt: expiryOf(endedAt),
      writeId: newWriteId(),
    };
    const values: Record<string, unknown> = { ":attempt": end.attempt, ":version": JOB_VERSION };
    for (const [name, value] of Object.entries(attributes)) values[`:${name}`] = value;
    const set = Object.keys(attributes).map((name) => `#${name} = :${name}`);
    const remove = UNENDED_ONLY.map((name) => `#${name}`);
    const mine = end.status === "succeeded" ? "#attempt >= :attempt" : "#attempt = :attempt";
    // Another's call under way stays known as an open call, which only a decision on the item can write.
    const ownCall = end.status === "cancelled" ? "" : " OR #intent.#attempt = :attempt";
    // A row of the release before does not say when its round began: it is read.
    const sameRound = end.receivedAt === undefined ? "" : " AND #roundAt <= :receivedAt";
    if (end.receivedAt !== undefined) values[":receivedAt"] = end.receivedAt;
    return this.#table.updateIf(keyOf(end), `SET ${set.join(", ")} REMOVE ${remove.join(", ")}`, {
      text: `#version = :version AND #state <> :state AND ${mine} AND (attribute_not_exists(#intent)${ownCall})${sameRound}`,
      values,
    });
  }
}

function withAnswer(decided: {
  readonly outcome: TransitionOutcome;
  readonly next?: Job;
}): Decision<Job, TransitionOutcome> {
  return { answer: decided.outcome, next: decided.next };
}
