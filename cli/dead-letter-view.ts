import { addressSchema } from "../lambdas/domain/job-message.ts";
import type { SeenLetter } from "./read-dead-letters.ts";

/** A dead letter as the operator sees it: never the request itself, which may hold anything. */
export type LetterView = {
  /** What the other commands call it by. */
  readonly id: string;
  readonly queue: string;
  readonly since: string;
  /** `moved`: SQS took it from a job queue after too many failures, as it was. */
  readonly kind: SeenLetter["letter"]["kind"];
  readonly tenantId: string | null;
  readonly jobId: string | null;
  readonly attempts: number | null;
  /** How often it was sent again from here. */
  readonly passes: number | null;
  readonly senderId: string | null;
  readonly code: string;
  readonly message: string;
  readonly bytes: number;
};

const NOTHING = { tenantId: null, jobId: null, attempts: null, passes: null };

export function viewOf(seen: SeenLetter): LetterView {
  const { from, received } = seen;
  return {
    id: received.messageId,
    queue: from.name,
    since: new Date(received.sentAt).toISOString(),
    kind: seen.letter.kind,
    senderId: received.senderId,
    bytes: Buffer.byteLength(received.body),
    ...NOTHING,
    ...detailsOf(seen),
  };
}

type Details = Pick<LetterView, "code" | "message"> & Partial<LetterView>;

function detailsOf({ letter, received }: SeenLetter): Details {
  switch (letter.kind) {
    case "job": {
      const { tenantId, jobId, attempts, reason, at } = letter.letter;
      return { tenantId, jobId, attempts, ...reason, since: at };
    }
    case "message": {
      const { reason, at, senderId } = letter.letter;
      return { ...reason, since: at, senderId };
    }
    case "moved": {
      const tenantId = claimedTenant(received.body);
      return { tenantId, code: "not_handled", message: failedOn("AdmitJobs or RunJob") };
    }
    case "run": {
      const { request } = letter;
      const job = request.kind === "message" ? {} : { tenantId: request.tenantId, jobId: request.jobId };
      const message = `${failedOn("RunJob")} (it asks to ${ASKS[request.kind]})`;
      return { ...job, passes: request.passes ?? 0, code: "not_run", message };
    }
    case "delivery": {
      const { tenantId, passes = 0 } = letter.delivery;
      return { tenantId, passes, code: "not_delivered", message: failedOn("DeliverResults") };
    }
    case "workload": {
      const message = "a workload's function failed on it too often, or gave it up: docs/workloads";
      return { tenantId: claimedTenant(received.body), code: "workload", message };
    }
    case "unreadable":
      return { code: "unreadable", message: "nothing that this release knows; nothing is done with it" };
  }
}

const ASKS = {
  run: "run a job",
  expire: "end a job that waited too long",
  cancel: "cancel a job",
  message: "admit a message",
} as const;

function failedOn(name: string): string {
  return `${name} failed on it too often: its log names this message`;
}

/** The tenant that a message names, which nobody has checked. */
function claimedTenant(body: string): string | null {
  try {
    return addressSchema.safeParse(JSON.parse(body)).data?.tenantId ?? null;
  } catch {
    return null;
  }
}
