import { jsonlLines } from "./jsonl-lines.ts";
import { WorkSlices } from "./line-run.ts";
import { findModel } from "./model-catalog.ts";
import { countOpenAiPromptTokens } from "./openai-answers.ts";
import { type BatchProblem, hasEnded, type OpenAiBatch } from "./openai-batch.ts";
import { countEmbeddingInputs } from "./openai-request-rules.ts";
import type { SimulatorState } from "./simulator-state.ts";

const MOST_REQUESTS = 50_000;
const MOST_EMBEDDING_INPUTS = 50_000;
/** A file with more problems than this is not read to the end. */
const MOST_PROBLEMS = 100;

export interface ValidatedInput {
  readonly problems: readonly BatchProblem[];
  readonly customIds: readonly string[];
  readonly model: string | null;
  readonly promptTokens: number;
}

/** Reads the whole input file, as the provider does while a batch is `validating`. */
export async function validateBatchInput(
  simulator: SimulatorState,
  batch: OpenAiBatch,
): Promise<ValidatedInput> {
  const validation = new InputValidation(batch, simulator.enqueuedTokenLimits);
  const slices = new WorkSlices();
  for await (const line of jsonlLines(simulator.store.read(batch.inputFile.stored))) {
    validation.addLine(line);
    if (validation.isHopeless || simulator.closed.aborted) break;
    await slices.yieldWhenDue();
  }
  const input = validation.finish();
  if (input.problems.length > 0 || input.model === null) return input;
  const problem = enqueuedTokenProblem(simulator, batch, input.model, input.promptTokens);
  return problem ? { ...input, problems: [problem] } : input;
}

class InputValidation {
  readonly #batch: OpenAiBatch;
  readonly #limits: ReadonlyMap<string, number>;
  readonly #problems: BatchProblem[] = [];
  readonly #customIds = new Set<string>();
  #lines = 0;
  #model: string | null = null;
  #promptTokens = 0;
  #embeddingInputs = 0;

  constructor(batch: OpenAiBatch, limits: ReadonlyMap<string, number>) {
    this.#batch = batch;
    this.#limits = limits;
  }

  get isHopeless(): boolean {
    return this.#problems.length >= MOST_PROBLEMS || this.#lines > MOST_REQUESTS;
  }

  addLine(line: string): void {
    this.#lines += 1;
    const request = parseObject(line);
    if (!request) {
      this.#report("invalid_json_line", "This line is not parseable as valid JSON.", null);
      return;
    }
    for (const param of ["custom_id", "method", "url", "body"]) {
      if (request[param] === undefined || request[param] === null) {
        this.#report("missing_required_parameter", `Missing required parameter: '${param}'.`, param);
        return;
      }
    }
    this.#checkCustomId(request["custom_id"]);
    if (request["method"] !== "POST") {
      this.#report("invalid_method", "Invalid value for 'method': only POST is supported.", "method");
    }
    if (request["url"] !== this.#batch.endpoint) {
      this.#report(
        "invalid_url",
        "The URL provided for this request does not match the batch endpoint.",
        "url",
      );
    }
    this.#checkBody(request["body"]);
  }

  finish(): ValidatedInput {
    if (this.#lines === 0) {
      const message = "The file is empty. Please ensure your batch contains at least one request.";
      this.#problems.push({ code: "empty_file", line: null, message, param: null });
    }
    if (this.#lines > MOST_REQUESTS) {
      const message = `The batch contains too many requests. The limit is ${MOST_REQUESTS} requests per batch.`;
      this.#problems.push({ code: "too_many_tasks", line: null, message, param: null });
    }
    if (this.#embeddingInputs > MOST_EMBEDDING_INPUTS) {
      const message = `The batch contains too many embedding inputs. The limit is ${MOST_EMBEDDING_INPUTS} inputs per batch.`;
      this.#problems.push({ code: "too_many_embedding_inputs", line: null, message, param: null });
    }
    return {
      problems: this.#problems,
      customIds: [...this.#customIds],
      model: this.#model,
      promptTokens: this.#promptTokens,
    };
  }

  #checkCustomId(customId: unknown): void {
    if (typeof customId !== "string" || customId === "") {
      this.#report("invalid_value", "Invalid value for 'custom_id': expected a string.", "custom_id");
    } else if (this.#customIds.has(customId)) {
      const message = `The custom_id '${customId}' for this request is a duplicate of another request. The custom_id parameter must be unique for each request in a batch.`;
      this.#report("duplicate_custom_id", message, "custom_id");
    } else {
      this.#customIds.add(customId);
    }
  }

  #checkBody(body: unknown): void {
    const fields = typeof body === "object" && body !== null ? Object.fromEntries(Object.entries(body)) : {};
    const model = fields["model"];
    if (typeof model !== "string") {
      this.#report("missing_required_parameter", "Missing required parameter: 'body.model'.", "body.model");
    } else if (findModel("openai", model) === undefined) {
      const message = `The provided model '${model}' is not supported by the Batch API.`;
      this.#report("model_not_found", message, "body.model");
    } else if (model !== (this.#model ?? model)) {
      const message = `The model '${model}' for this request does not match the rest of the batch. Each batch must contain requests for a single model.`;
      this.#report("mismatched_model", message, "body.model");
    } else {
      this.#model = model;
      this.#count(model, fields);
    }
  }

  #count(model: string, body: Record<string, unknown>): void {
    const { endpoint } = this.#batch;
    if (endpoint === "/v1/embeddings") this.#embeddingInputs += countEmbeddingInputs(body["input"]);
    if (this.#limits.has(findModel("openai", model)?.id ?? model)) {
      this.#promptTokens += countOpenAiPromptTokens(endpoint, body);
    }
  }

  #report(code: string, message: string, param: string | null): void {
    this.#problems.push({ code, line: this.#lines, message, param });
  }
}

/** The tokens of all open batches of an account count together, model by model. */
function enqueuedTokenProblem(
  simulator: SimulatorState,
  batch: OpenAiBatch,
  model: string,
  tokens: number,
): BatchProblem | null {
  const modelId = findModel("openai", model)?.id ?? model;
  const limit = simulator.enqueuedTokenLimits.get(modelId);
  if (limit === undefined) return null;
  const waiting = [...simulator.openAiBatches.values()]
    .filter((other) => other.account === batch.account && other !== batch && holdsTokens(simulator, other))
    .filter((other) => other.model !== null && findModel("openai", other.model)?.id === modelId)
    .reduce((sum, other) => sum + other.enqueuedTokens, 0);
  if (waiting + tokens <= limit) return null;
  const message = `Enqueued token limit reached for ${modelId} in organization ${batch.account}. Limit: ${limit.toLocaleString("en-US")} enqueued tokens. Please try again once some in_progress batches have been completed.`;
  return { code: "token_limit_exceeded", line: null, message, param: null };
}

/** An open batch does, and one that failed for as long as the options say. */
function holdsTokens(simulator: SimulatorState, batch: OpenAiBatch): boolean {
  if (!hasEnded(batch)) return true;
  const failedAt = batch.enteredAt.get("failed");
  return failedAt !== undefined && simulator.clock.now() < failedAt + simulator.failedTokenHoldMs;
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? Object.fromEntries(Object.entries(value)) : null;
  } catch {
    return null;
  }
}
