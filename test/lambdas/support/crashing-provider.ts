import { LostAnswerError, ProviderRefusalError } from "../../../lambdas/domain/failures.ts";
import { type BatchId, type JobId, jobIdOf, type TenantId } from "../../../lambdas/domain/ids.ts";
import { jsonLines, lineText } from "../../../lambdas/domain/jsonl.ts";
import type { CallAnswer, DirectProvider } from "../../../lambdas/ports.ts";
import type { Ending } from "../../../lambdas/adapters/providers/memory-batch-provider.ts";
import type { Random } from "./crashing-ports.ts";
import { answerLine, customIdOfLine, errorLine, type MemoryGateway } from "./memory-gateway.ts";

/** gpt-5-nano, in pico-dollars per token: $0.025 and $0.20 per million in a batch, twice that at once. */
const BATCH_PICO = { input: 25_000n, output: 200_000n };
const SYNC_PICO = { input: 50_000n, output: 400_000n };

type Tokens = { readonly input: number; readonly output: number };
type Price = typeof BATCH_PICO;

function bill({ input, output }: Tokens, price: Price): bigint {
  return BigInt(input) * price.input + BigInt(output) * price.output;
}

/** Tokens that depend on the prompt alone: every request costs something else. */
function tokensOf(prompt: string): Tokens {
  const seed = Buffer.from(prompt).reduce((sum, byte) => (sum * 31 + byte) % 9973, 7);
  return { input: 100 + seed, output: 10 + (seed % 97) };
}

function completionOf(prompt: string): Record<string, unknown> {
  const { input, output } = tokensOf(prompt);
  return {
    object: "chat.completion",
    model: "gpt-5-nano-2025-08-07",
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: `re: ${prompt}` } }],
    usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
  };
}

/** The id of a job of a tenant of the memory gateway. */
export function jobIdIn(tenantId: string, key: string): JobId {
  return jobIdOf(`${tenantId}-`.padEnd(40, "s"), tenantId as TenantId, key);
}

type RequestBody = { readonly messages: readonly { readonly content: string }[] };
const promptOf = (body: RequestBody) => body.messages[0]!.content;
const promptOfLine = (line: string) => promptOf((JSON.parse(line) as { body: RequestBody }).body);

function refusal(statusCode: number): CallAnswer {
  return { statusCode, retryAfterMs: null, body: { error: { code: `code_${statusCode}`, message: "no" } } };
}

/** A provider whose every answer, refusal and silence is drawn by chance, and which keeps its own invoice. */
export class CrashingProvider {
  readonly #gateway: MemoryGateway;
  readonly #random: Random;
  /** Input lines of every batch ever created. */
  readonly batches = new Map<string, readonly string[]>();
  /** What batches billed, by the prompt that was answered. */
  readonly batchInvoice = new Map<string, bigint>();
  /** What each billed direct call cost, by prompt, and which attempt of the job it was. */
  readonly directInvoice = new Map<string, { readonly attempt: number; readonly cost: bigint }[]>();
  readonly #ended = new Set<string>();
  /** Chance that a request is not simply answered. */
  trouble: number;

  constructor(gateway: MemoryGateway, random: Random) {
    this.#gateway = gateway;
    this.#random = random;
    this.trouble = 0.2 + 0.8 * random();
    const create = gateway.provider.create.bind(gateway.provider);
    gateway.provider.create = async (input: { batchId: BatchId; inputKey: string }) => {
      if (this.#random() < 0.05 * this.trouble)
        throw new ProviderRefusalError("token_limit_exceeded", "too many tokens are waiting");
      const lines: string[] = [];
      for await (const line of jsonLines(gateway.objects.stream(input.inputKey))) lines.push(lineText(line));
      const created = await create(input);
      this.batches.set(created.id, lines);
      return created;
    };
  }

  /** The service for direct calls. A call carries no name of its job's: the invoice is told by whoever looks on. */
  readonly direct: DirectProvider = {
    provider: "openai",
    call: async (_endpoint, body) => {
      const prompt = promptOf(body as unknown as RequestBody);
      const [tenantId = "", key = ""] = prompt.split("/");
      const job = await this.#gateway.jobs.get(tenantId as TenantId, jobIdIn(tenantId, key));
      const answer = this.#call(prompt, job?.attempt ?? 0);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };

  /** Ends every batch that still runs, adopted or not. */
  endBatches(): void {
    for (const id of this.batches.keys()) {
      if (this.#ended.has(id)) continue;
      this.#ended.add(id);
      this.#gateway.provider.end(id, (lines) => this.#ending(lines));
    }
  }

  #ending(lines: readonly string[]): Ending {
    if (this.#random() < 0.1 * this.trouble) {
      const row = {
        code: "invalid_value",
        line: 1 + Math.floor(this.#random() * lines.length),
        message: "bad",
      };
      return {
        status: "failed",
        output: [],
        refusals: this.#random() < 0.5 ? [row] : [{ ...row, line: null }],
      };
    }
    const output: string[] = [];
    const errors: string[] = [];
    for (const line of lines) this.#settle(line, output, errors);
    // Never alone: a batch that holds none of our ids is taken for somebody else's.
    if (output.length > 0 && this.#random() < 0.3 * this.trouble)
      output.push(answerLine('{"custom_id":"aaaaaaaaaaaaaaaaaaaaaaaaaa-1"}', completionOf("stranger")));
    if (this.#random() < 0.3 * this.trouble) output.push('{"custom_id":"nobody-1"', "not JSON");
    return { status: this.#random() < 0.2 ? "expired" : "completed", output: output.toReversed(), errors };
  }

  #settle(line: string, output: string[], errors: string[]): void {
    const draw = this.#random() / this.trouble;
    const expired = { id: "e", custom_id: customIdOfLine(line), response: null };
    if (draw < 0.1) errors.push(errorLine(line, 400, "bad_request"));
    else if (draw < 0.3) errors.push(errorLine(line, 500, "server_error"));
    else if (draw < 0.5)
      errors.push(JSON.stringify({ ...expired, error: { code: "batch_expired", message: "late" } }));
    else if (draw >= 0.6) this.#answer(line, output, errors);
    // Otherwise nothing is said of it.
  }

  #answer(line: string, output: string[], errors: string[]): void {
    const prompt = promptOfLine(line);
    const answered = answerLine(line, completionOf(prompt));
    output.push(answered);
    // Said again, said otherwise, and in the other file: what was billed is one answer.
    const again = this.#random() / this.trouble;
    if (again < 0.1) output.push(answered);
    else if (again < 0.2) errors.push(answered);
    else if (again < 0.3) errors.push(errorLine(line, 500, "repeated"));
    else if (again < 0.4) output.push(errorLine(line, 500, "repeated"));
    const billed = this.batchInvoice.get(prompt) ?? 0n;
    this.batchInvoice.set(prompt, billed + bill(tokensOf(prompt), BATCH_PICO));
  }

  #call(prompt: string, attempt: number): CallAnswer | Error {
    const draw = this.#random() / this.trouble;
    if (draw < 0.1) return refusal(400);
    if (draw < 0.3) return refusal(500);
    if (draw < 0.4) return new LostAnswerError("it never arrived");
    const billed = this.directInvoice.get(prompt) ?? [];
    this.directInvoice.set(prompt, [...billed, { attempt, cost: bill(tokensOf(prompt), SYNC_PICO) }]);
    if (draw < 0.6) return new LostAnswerError("it ran, and the answer was lost");
    return { statusCode: 200, retryAfterMs: null, body: completionOf(prompt) };
  }
}
