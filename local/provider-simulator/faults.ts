import { z } from "zod";

/** The calls that faults can be aimed at. */
const OPERATIONS = [
  "openai.files.create",
  "openai.files.retrieve",
  "openai.files.content",
  "openai.files.list",
  "openai.files.delete",
  "openai.batches.create",
  "openai.batches.retrieve",
  "openai.batches.list",
  "openai.batches.cancel",
  "openai.chat.completions",
  "openai.responses",
  "openai.embeddings",
  "anthropic.messages",
  "anthropic.batches.create",
  "anthropic.batches.retrieve",
  "anthropic.batches.list",
  "anthropic.batches.cancel",
  "anthropic.batches.delete",
  "anthropic.batches.results",
] as const;
export type Operation = (typeof OPERATIONS)[number];

const operation = z.enum(OPERATIONS);
const times = z.int().min(1).default(1);
const count = z.int().min(0).default(0);
/** What the error says, in place of the words that go with its status. */
const wording = { code: z.string().optional(), message: z.string().optional() };
const batchFilter = { provider: z.enum(["openai", "anthropic"]).optional(), times };

const faultSchema = z.discriminatedUnion("kind", [
  /** The next `times` calls answer `status` and do nothing. */
  z.strictObject({
    kind: z.literal("http-error"),
    operation,
    status: z.int().min(400).max(599),
    ...wording,
    retryAfterSeconds: z.number().min(0).optional(),
    times,
  }),
  /** The next `times` calls do their work, and the connection is cut before the answer. */
  z.strictObject({ kind: z.literal("lost-answer"), operation, times }),
  /** The next `times` downloads end after `afterBytes`. */
  z.strictObject({ kind: z.literal("cut-download"), afterBytes: z.int().min(0), times }),
  /** The next batches expire when `afterLines` of their lines are done. */
  z.strictObject({ kind: z.literal("expire-batch"), afterLines: z.int().min(0), ...batchFilter }),
  /**
   * The next OpenAI batches fail at validation, though nothing is wrong with them; `lines` (from 1) are named as the
   * reason, or none. With `containing` only those of them fail whose input holds that text.
   */
  z.strictObject({
    kind: z.literal("fail-batch"),
    code: z.string(),
    message: z.string(),
    lines: z.array(z.int().min(1)).optional(),
    containing: z.string().optional(),
    ...batchFilter,
  }),
  /** Lines of the next batches fail: those named, about that fraction of them, or all from one on (0-based). */
  z.strictObject({
    kind: z.literal("line-error"),
    status: z.int().min(400).max(599),
    customIds: z.array(z.string()).optional(),
    fraction: z.number().min(0).max(1).optional(),
    fromLine: z.int().min(0).optional(),
    ...wording,
    ...batchFilter,
  }),
  /**
   * The outputs of the next batches are damaged: so many lines are repeated, contradicted by an error line for the same
   * id, left out, replaced by text that is not JSON, or added under ids that nobody sent. Only lines that stand whole
   * in the output are billed, each id once.
   */
  z.strictObject({
    kind: z.literal("damaged-output"),
    repeated: count,
    conflicting: count,
    missing: count,
    unparseable: count,
    unknown: count,
    ...batchFilter,
  }),
  /**
   * The next batches stay in that state until they expire or are cancelled; those in progress with so many of their
   * lines done, or all. With `evenCancelled` a cancel takes them to cancelling, where they stay until their window ends.
   */
  z.strictObject({
    kind: z.literal("stuck-batch"),
    status: z.enum(["validating", "in_progress", "finalizing"]),
    afterLines: z.int().min(0).optional(),
    evenCancelled: z.boolean().default(false),
    ...batchFilter,
  }),
  /** A cancel of the next batches is accepted, and they go on to their end as if it had not been. */
  z.strictObject({ kind: z.literal("late-cancel"), ...batchFilter }),
  /** The next batches end well, and what they came to cannot be read any more. */
  z.strictObject({ kind: z.literal("results-gone"), ...batchFilter }),
  /** The first `reads` reads of each of the next batches answer 404. */
  z.strictObject({ kind: z.literal("not-found-after-create"), reads: z.int().min(1), ...batchFilter }),
  /** The next batches are not in the first `lists` answers that would hold them. */
  z.strictObject({ kind: z.literal("list-lag"), lists: z.int().min(1), ...batchFilter }),
]);

/** A fault as a test gives it: `times` and the counts have defaults. */
export type Fault = z.input<typeof faultSchema>;
type ActiveFault = z.output<typeof faultSchema>;
type FaultKind = ActiveFault["kind"];
type FaultOf<Kind extends FaultKind> = Extract<ActiveFault, { kind: Kind }>;

/** The faults that a batch took with it when it was created. */
export interface BatchFaults {
  readonly expire: FaultOf<"expire-batch"> | undefined;
  readonly fail: FaultOf<"fail-batch"> | undefined;
  readonly lines: FaultOf<"line-error"> | undefined;
  readonly damage: FaultOf<"damaged-output"> | undefined;
  readonly stuck: FaultOf<"stuck-batch"> | undefined;
  readonly lateCancel: FaultOf<"late-cancel"> | undefined;
  readonly resultsGone: FaultOf<"results-gone"> | undefined;
  readonly notFound: FaultOf<"not-found-after-create"> | undefined;
  readonly listLag: FaultOf<"list-lag"> | undefined;
}

/** What goes wrong, on demand. Each fault is used up `times` times, in the order in which faults were added. */
export class Faults {
  readonly #active: { fault: ActiveFault; left: number }[] = [];

  /** Throws a ZodError for anything that is not a fault. */
  add(fault: Fault): void {
    const active = faultSchema.parse(fault);
    this.#active.push({ fault: active, left: active.times });
  }

  clear(): void {
    this.#active.length = 0;
  }

  /** The faults that have not been used up. */
  list(): readonly Fault[] {
    return this.#active.map(({ fault, left }) => ({ ...fault, times: left }));
  }

  takeHttpError(operation: Operation): FaultOf<"http-error"> | undefined {
    return this.#take("http-error", (fault) => fault.operation === operation);
  }

  takeLostAnswer(operation: Operation): boolean {
    return this.#take("lost-answer", (fault) => fault.operation === operation) !== undefined;
  }

  takeCutDownload(): FaultOf<"cut-download"> | undefined {
    return this.#take("cut-download", () => true);
  }

  /** One of each kind of batch fault that is meant for a batch of this provider. */
  takeForBatch(provider: "openai" | "anthropic"): BatchFaults {
    const isMeant = (fault: { provider?: string | undefined }) => (fault.provider ?? provider) === provider;
    return {
      expire: this.#take("expire-batch", isMeant),
      fail: provider === "openai" ? this.#take("fail-batch", isMeant) : undefined,
      lines: this.#take("line-error", isMeant),
      damage: this.#take("damaged-output", isMeant),
      stuck: this.#take("stuck-batch", isMeant),
      lateCancel: this.#take("late-cancel", isMeant),
      resultsGone: this.#take("results-gone", isMeant),
      notFound: this.#take("not-found-after-create", isMeant),
      listLag: this.#take("list-lag", isMeant),
    };
  }

  #take<Kind extends FaultKind>(
    kind: Kind,
    isMeant: (fault: FaultOf<Kind>) => boolean,
  ): FaultOf<Kind> | undefined {
    const isOfKind = (fault: ActiveFault): fault is FaultOf<Kind> => fault.kind === kind;
    for (const [index, entry] of this.#active.entries()) {
      if (!isOfKind(entry.fault) || !isMeant(entry.fault)) continue;
      entry.left -= 1;
      if (entry.left === 0) this.#active.splice(index, 1);
      return entry.fault;
    }
    return undefined;
  }
}

/** A fault from outside, for `POST /_simulator/faults`. Throws a ZodError for anything else. */
export function parseFault(input: unknown): Fault {
  return faultSchema.parse(input);
}
