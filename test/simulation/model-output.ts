import type { Invoice } from "./invoice.ts";
import { priceOf } from "./invoice.ts";
import { type AnswerKind, answerBody, type ModelRequest, tokensOf, withoutUsage } from "./model-answers.ts";
import { isForgotten, type ModelBatch, type ModelLine } from "./model-batch.ts";
import type { ProviderFault, ProviderFaults } from "./provider-faults.ts";
import type { JobTries } from "./job-tries.ts";

type Bill = { readonly cost: bigint; readonly state: "readable" | "unreadable" };
/** A line of output, and what is billed if it is the one that counts. */
type OutLine = {
  readonly customId: string;
  readonly text: string;
  readonly file: "output" | "errors";
  readonly bill: Bill | null;
};

const NOT_JSON = '{"custom_id": "nobody-1", "response"';
const STRANGER = "aaaaaaaaaaaaaaaaaaaaaaaaaa-1";

export type OutputWorld = {
  readonly faults: ProviderFaults;
  readonly invoice: Invoice;
  readonly tries: JobTries;
};

/** Makes the output of a batch that has ended, once, and bills what was answered. */
export function makeOutput(batch: ModelBatch, { faults, invoice, tries }: OutputWorld): void {
  if (batch.output !== null) return;
  const { id, fate } = batch;
  const lines = fate.status === "failed" ? [] : batch.lines.flatMap((line) => linesOf(batch, line, faults));
  const ordered = faults.befalls("lines out of order", id)
    ? lines.toSorted((a, b) => faults.detail("order", a.text) - faults.detail("order", b.text))
    : lines;
  // One file is read after the other, and of several answers to one request the first that is read counts.
  const read = [
    ...ordered.filter(({ file }) => file === "output"),
    ...ordered.filter(({ file }) => file === "errors"),
  ];
  const gone = (batch.goneFrom !== null && batch.backAt === null) || isForgotten(batch);
  const billed = new Set<string>();
  for (const { customId, bill } of read) {
    const request = batch.lines.find((line) => line.customId === customId)?.request;
    if (bill === null || request == null || billed.has(customId)) continue;
    billed.add(customId);
    const { tenantId } = request;
    invoice.batches.push({
      providerBatchId: id,
      customId,
      tenantId,
      cost: bill.cost,
      state: gone ? "gone" : bill.state,
    });
  }
  const answered = new Set(
    read.flatMap(({ customId, bill }) => (bill?.state === "readable" && !gone ? [customId] : [])),
  );
  for (const { customId } of batch.lines) if (!answered.has(customId)) tries.lineFailed(batch, customId);
  const text = (file: "output" | "errors") =>
    read.filter((line) => line.file === file).map((line) => line.text);
  batch.output = withTail(batch, text("output"), text("errors"), faults);
}

/** What somebody else's batch came to: answers to requests that we do not know. */
export function foreignOutput(batch: ModelBatch): NonNullable<ModelBatch["output"]> {
  const lines = batch.lines.map(({ customId }) => successLine(batch, customId, { id: "theirs" }));
  return { output: lines.map((line) => `${line}\n`).join(""), errors: "" };
}

function withTail(batch: ModelBatch, output: string[], errors: string[], faults: ProviderFaults) {
  const { id } = batch;
  if (output.length > 0 && faults.befalls("line of an unknown request", id)) {
    const body = { object: "list", model: "gpt-5-nano", data: [], usage: { prompt_tokens: 7 } };
    const strange =
      batch.provider === "openai"
        ? openAiLine(STRANGER, 200, body)
        : claudeLine(STRANGER, { type: "succeeded", message: body });
    output.splice(Math.floor(faults.detail("place", id) * output.length), 0, strange);
  }
  if (output.length > 0 && faults.befalls("line that is not JSON", id)) output.push(NOT_JSON, "");
  if (output.length === 0 && errors.length > 0) faults.befalls("output missing as every line failed", id);
  const bare = output.length > 0 && faults.befalls("last line without a line feed", id);
  const joined = output.map((line) => `${line}\n`).join("");
  return { output: bare ? joined.trimEnd() : joined, errors: errors.map((line) => `${line}\n`).join("") };
}

/** What the batch says of one request: mostly one line, sometimes none or several. */
function linesOf(batch: ModelBatch, line: ModelLine, faults: ProviderFaults): OutLine[] {
  const { id, fate } = batch;
  const what = `${id} ${line.customId}`;
  const { customId, request } = line;
  if (request === null) return [];
  if (fate.status === "expired" || fate.status === "cancelled") {
    const ran = faults.detail("ran", what) < faults.detail("share that ran", id);
    if (!ran || fate.idle) return unrun(batch, customId, faults);
  }
  if (fate.noCredit || faults.befalls("line refused over low credit", what))
    return [
      failedLine(
        batch,
        customId,
        429,
        "insufficient_quota",
        "You exceeded your current quota: credit balance is too low",
      ),
    ];
  if (request.trouble !== "none") {
    faults.befalls(
      request.trouble === "odd-parameter"
        ? "every line refused over one parameter"
        : "line refused with a 4xx beside error null",
      what,
    );
    return [failedLine(batch, customId, 400, "invalid_request_error", "this request is refused")];
  }
  if (faults.befalls("line missing", what)) return [];
  if (faults.befalls("line with neither answer nor error", what)) return [silentLine(batch, customId)];
  // By what is asked, not by the line: the same request fails again in the next batch, until its attempts are used up.
  if (
    faults.befalls("request that fails in every batch", request.secret) ||
    faults.befalls("line failed with a 5xx", what)
  )
    return [failedLine(batch, customId, 500, "server_error", "the server had an error")];
  if (faults.befalls("line failed with a 429", what))
    return [failedLine(batch, customId, 429, "rate_limit_exceeded", "too many requests")];
  return answeredLines(batch, customId, request, faults);
}

function unrun(batch: ModelBatch, customId: string, faults: ProviderFaults): OutLine[] {
  const { status } = batch.fate;
  if (batch.provider === "anthropic") {
    const type = status === "expired" ? "expired" : "canceled";
    return [{ customId, file: "output", bill: null, text: claudeLine(customId, { type }) }];
  }
  if (faults.befalls("expired after a day, nothing said of the rest", batch.id)) return [];
  const error = { code: status === "expired" ? "batch_expired" : "batch_cancelled", message: "not run" };
  return [
    {
      customId,
      file: "errors",
      bill: null,
      text: JSON.stringify({ id: "x", custom_id: customId, response: null, error }),
    },
  ];
}

function answeredLines(
  batch: ModelBatch,
  customId: string,
  request: ModelRequest,
  faults: ProviderFaults,
): OutLine[] {
  const what = `${batch.id} ${customId}`;
  const first = answerLine(batch, customId, request, "first", faults);
  if (faults.befalls("line answered without usage", what))
    return [withoutItsUsage(batch, customId, request, first)];
  const lines = [first];
  const add = (fault: ProviderFault, make: () => OutLine) => {
    if (faults.befalls(fault, what)) lines.push(make());
  };
  const file = faults.detail("repeated in", what) < 0.4 ? "errors" : first.file;
  add("line repeated", () => ({ ...first, file: batch.provider === "openai" ? file : first.file }));
  add("line contradicted by a failure", () => failedLine(batch, customId, 500, "server_error", "again"));
  add("line contradicted by another answer", () => answerLine(batch, customId, request, "second", faults));
  return lines;
}

function answerLine(
  batch: ModelBatch,
  customId: string,
  request: ModelRequest,
  variant: string,
  faults: ProviderFaults,
): OutLine {
  const tokens = tokensOf(request, `${batch.id} ${variant}`);
  const body = answerBody(request, tokens, answerKind(`${batch.id} ${customId}`, faults));
  const cost = priceOf(request.model, tokens, "batch");
  return {
    customId,
    file: "output",
    bill: { cost, state: "readable" },
    text: successLine(batch, customId, body),
  };
}

export function answerKind(what: string, faults: ProviderFaults): AnswerKind {
  if (faults.befalls("answer refused by the model", what)) return "refused";
  return faults.befalls("answer cut off", what) ? "truncated" : "complete";
}

/** Billed as any answer, but nobody can tell how much. */
function withoutItsUsage(
  batch: ModelBatch,
  customId: string,
  request: ModelRequest,
  answer: OutLine,
): OutLine {
  const body = withoutUsage(answerBody(request, tokensOf(request, batch.id), "complete"));
  const bill = { cost: answer.bill?.cost ?? 0n, state: "unreadable" as const };
  return { ...answer, bill, text: successLine(batch, customId, body) };
}

function successLine({ provider }: ModelBatch, customId: string, body: unknown): string {
  return provider === "openai"
    ? openAiLine(customId, 200, body)
    : claudeLine(customId, { type: "succeeded", message: body });
}

function silentLine({ provider }: ModelBatch, customId: string): OutLine {
  const empty = JSON.stringify({ id: "x", custom_id: customId, response: null, error: null });
  const text = provider === "openai" ? empty : JSON.stringify({ custom_id: customId });
  return { customId, file: "output", bill: null, text };
}

function failedLine(
  { provider }: ModelBatch,
  customId: string,
  status: number,
  code: string,
  message: string,
): OutLine {
  if (provider === "openai")
    return {
      customId,
      file: "errors",
      bill: null,
      text: openAiLine(customId, status, { error: { code, message } }),
    };
  const type =
    status === 500
      ? "api_error"
      : code === "rate_limit_exceeded"
        ? "rate_limit_error"
        : "invalid_request_error";
  const result = { type: "errored", error: { type: "error", error: { type, message } } };
  return { customId, file: "output", bill: null, text: claudeLine(customId, result) };
}

function openAiLine(customId: string, status: number, body: unknown): string {
  const response = { status_code: status, request_id: "r", body };
  return JSON.stringify({ id: "batch_req", custom_id: customId, response, error: null });
}

function claudeLine(customId: string, result: unknown): string {
  return JSON.stringify({ custom_id: customId, result });
}
