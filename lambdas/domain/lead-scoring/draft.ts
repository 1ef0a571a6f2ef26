import { z } from "zod";
import type { Instant } from "../instant.ts";
import type { Decision } from "../workload-record.ts";
import { leadIdSchema } from "./lead.ts";

const identity = {
  version: z.literal(1),
  day: z.string(),
  leadId: leadIdSchema,
  to: z.object({ name: z.string(), email: z.string(), company: z.string().nullable() }),
  score: z.int(),
};
/** The e-mail as it will be sent: an object whose key names its content, so that what was approved is what is sent. */
const email = { subject: z.string(), emailKey: z.string() };
const at = z.number();

/**
 * A follow-up e-mail to one lead of one day:
 *
 *     writing ─> written ─> draft ─> approved ─> sending ─> sent
 *        └> unwritten └> unrendered      ^           │
 *                                        └── refused ┘        draft, approved, unrendered ─> discarded
 */
export const draftSchema = z.discriminatedUnion("state", [
  z.object({ ...identity, state: z.literal("writing") }),
  z.object({
    ...identity,
    state: z.literal("written"),
    at,
    subject: z.string(),
    paragraphs: z.array(z.string()),
  }),
  z.object({ ...identity, state: z.literal("unwritten"), at, code: z.string(), message: z.string() }),
  z.object({
    ...identity,
    state: z.literal("unrendered"),
    at,
    subject: z.string(),
    paragraphs: z.array(z.string()),
    problem: z.string(),
  }),
  z.object({ ...identity, ...email, state: z.literal("draft"), at }),
  z.object({ ...identity, ...email, state: z.literal("approved"), at, problem: z.string().nullable() }),
  z.object({ ...identity, ...email, state: z.literal("sending"), at, attempt: z.string() }),
  z.object({ ...identity, ...email, state: z.literal("sent"), at, messageId: z.string() }),
  z.object({ ...identity, state: z.literal("discarded"), at }),
]);
export type Draft = z.infer<typeof draftSchema>;
export type DraftState = Draft["state"];
export type DraftIdentity = Pick<Draft, "version" | "day" | "leadId" | "to" | "score">;

/** How an operator names a draft of a tenant. */
export function draftIdOf({ day, leadId }: Pick<Draft, "day" | "leadId">): string {
  return `${day}/${leadId}`;
}

function identityOf({ version, day, leadId, to, score }: Draft): DraftIdentity {
  return { version, day, leadId, to, score };
}

/** The draft as a move found or left it, and whether it moved. */
type Moved = { readonly moved: boolean; readonly draft: Draft | undefined };
type DraftDecision = Decision<Draft, Moved>;

function stays(draft: Draft | undefined): DraftDecision {
  return { answer: { moved: false, draft } };
}

function moves(next: Draft): DraftDecision {
  return { answer: { moved: true, draft: next }, next };
}

/** A lead is drafted once for a day. */
export function decideBegin(current: Draft | undefined, draft: DraftIdentity): DraftDecision {
  return current === undefined ? moves({ ...draft, state: "writing" }) : stays(current);
}

/** What came of a drafting job. */
export type DraftOutcome =
  | {
      readonly kind: "answered";
      readonly answer: { readonly subject: string; readonly paragraphs: string[] };
    }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** The first outcome counts. */
export function decideWritten(
  current: Draft | undefined,
  outcome: DraftOutcome,
  now: Instant,
): DraftDecision {
  if (current?.state !== "writing") return stays(current);
  const base = { ...identityOf(current), at: now };
  return outcome.kind === "answered"
    ? moves({ ...base, state: "written", ...outcome.answer })
    : moves({ ...base, state: "unwritten", code: outcome.code, message: outcome.message });
}

/** What came of putting a draft's text into the tenant's template. */
export type Rendering =
  | { readonly kind: "rendered"; readonly emailKey: string }
  | { readonly kind: "failed"; readonly problem: string };

/** A draft whose template failed is rendered again by the day's next run. */
export function decideRendered(
  current: Draft | undefined,
  rendering: Rendering,
  now: Instant,
): DraftDecision {
  if (current?.state !== "written" && current?.state !== "unrendered") return stays(current);
  const { subject, paragraphs } = current;
  const base = { ...identityOf(current), at: now, subject };
  return rendering.kind === "rendered"
    ? moves({ ...base, state: "draft", emailKey: rendering.emailKey })
    : moves({ ...base, state: "unrendered", paragraphs, problem: rendering.problem });
}

/** An operator lets a draft be sent. */
export function decideApproved(current: Draft | undefined, now: Instant): DraftDecision {
  if (current?.state !== "draft") return stays(current);
  const { subject, emailKey } = current;
  const base = { ...identityOf(current), at: now, subject, emailKey };
  return moves({ ...base, state: "approved", problem: null });
}

const DISCARDABLE: ReadonlySet<DraftState> = new Set(["written", "unrendered", "draft", "approved"]);

/** An operator puts a draft away, which cannot be undone. One that may be on its way cannot be put away. */
export function decideDiscarded(current: Draft | undefined, now: Instant): DraftDecision {
  if (current === undefined || !DISCARDABLE.has(current.state)) return stays(current);
  return moves({ ...identityOf(current), state: "discarded", at: now });
}

/**
 * Before SES is called: whoever moves the draft sends it, and nobody else does. `again`: an operator knows that an earlier
 * attempt, whose end nobody saw, sent nothing.
 */
export function decideSending(
  current: Draft | undefined,
  { attempt, again }: { readonly attempt: string; readonly again: boolean },
  now: Instant,
): DraftDecision {
  if (current?.state !== "approved" && !(again && current?.state === "sending")) return stays(current);
  const { subject, emailKey } = current;
  return moves({ ...identityOf(current), state: "sending", at: now, subject, emailKey, attempt });
}

/** What SES said of an attempt. */
export type SendingEnd =
  | { readonly kind: "sent"; readonly messageId: string }
  | { readonly kind: "refused"; readonly problem: string };

/** Only the attempt that is under way ends. A refusal is certain: the draft may be sent again. */
export function decideSent(
  current: Draft | undefined,
  attempt: string,
  end: SendingEnd,
  now: Instant,
): DraftDecision {
  if (current?.state !== "sending" || current.attempt !== attempt) return stays(current);
  const { subject, emailKey } = current;
  const base = { ...identityOf(current), at: now, subject, emailKey };
  return end.kind === "sent"
    ? moves({ ...base, state: "sent", messageId: end.messageId })
    : moves({ ...base, state: "approved", problem: end.problem });
}
