// oxlint-disable oxc/no-async-endpoint-handlers -- the rule is for Express; Fastify awaits its handlers.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { type AnthropicBatch, archivedAt, newAnthropicBatch, toMessageBatch } from "./anthropic-batch.ts";
import { runAnthropicBatch } from "./anthropic-batch-run.ts";
import { anthropicAccount } from "./anthropic-scope.ts";
import { drawTiming } from "./batch-timing.ts";
import { anthropicRefusal, anthropicSchemaRefusal, ProviderRefusal } from "./provider-errors.ts";
import { listedBatches, pageAfter, sendStored } from "./provider-scope.ts";
import type { SimulatorState } from "./simulator-state.ts";

const MOST_REQUESTS = 100_000;
const LARGEST_BODY = 256 * 1024 * 1024;

const batchRequest = z.strictObject({
  custom_id: z
    .string()
    .min(1, "String should have at least 1 character")
    .max(64, "String should have at most 64 characters")
    .regex(/^[a-zA-Z0-9_-]+$/, "String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"),
  // The parameters themselves are judged when the batch is processed, as at the provider.
  params: z.looseObject({}),
});
const createBody = z.strictObject({
  requests: z.array(z.unknown()).min(1, "List should have at least 1 item after validation"),
});
const listQuery = z.object({
  before_id: z.string().optional(),
  after_id: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(20),
});

/** Message batches: create, read, list newest first, cancel, delete, results. */
export function addAnthropicBatchRoutes(app: FastifyInstance, simulator: SimulatorState): void {
  const show = (request: FastifyRequest, batch: AnthropicBatch) =>
    toMessageBatch(batch, `http://${request.host}/anthropic`, simulator.clock.now());

  const createOptions = {
    bodyLimit: LARGEST_BODY,
    config: { operation: "anthropic.batches.create" },
  } as const;
  app.post("/v1/messages/batches", createOptions, async (request) => {
    const batch = await createBatch(simulator, anthropicAccount(request), request.body);
    simulator.anthropicBatches.set(batch.id, batch);
    simulator.runInBackground(runAnthropicBatch(simulator, batch));
    return show(request, batch);
  });

  app.get("/v1/messages/batches", { config: { operation: "anthropic.batches.list" } }, async (request) => {
    const query = listQuery.safeParse(request.query);
    if (!query.success) throw new ProviderRefusal(anthropicSchemaRefusal(query.error, request.query));
    const account = anthropicAccount(request);
    const batches = [...simulator.anthropicBatches.values()]
      .filter((batch) => batch.account === account && !batch.isDeleted)
      .toReversed();
    const { page, hasMore } = pageOf(listedBatches(batches), query.data);
    const ends = { first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null };
    return { data: page.map((batch) => show(request, batch)), has_more: hasMore, ...ends };
  });

  app.get<BatchParams>(
    "/v1/messages/batches/:id",
    { config: { operation: "anthropic.batches.retrieve" } },
    async (request) => {
      const batch = findBatch(simulator, request);
      if (batch.hiddenReads === 0) return show(request, batch);
      batch.hiddenReads -= 1;
      throw noSuchBatch(batch.id);
    },
  );

  app.post<BatchParams>(
    "/v1/messages/batches/:id/cancel",
    { config: { operation: "anthropic.batches.cancel" } },
    async (request) => {
      const batch = findBatch(simulator, request);
      if (batch.status === "in_progress") {
        batch.status = "canceling";
        batch.cancelInitiatedAt = simulator.clock.now();
        if (!batch.faults.lateCancel) batch.cancellation.abort();
      }
      return show(request, batch);
    },
  );

  app.delete<BatchParams>(
    "/v1/messages/batches/:id",
    { config: { operation: "anthropic.batches.delete" } },
    async (request) => {
      const batch = findBatch(simulator, request);
      if (batch.status !== "ended")
        throw new ProviderRefusal(anthropicRefusal("The batch has not ended: cancel it first."));
      batch.isDeleted = true;
      for (const stored of [batch.requests, batch.results]) if (stored) await simulator.store.remove(stored);
      return { id: batch.id, type: "message_batch_deleted" };
    },
  );

  app.get<BatchParams>(
    "/v1/messages/batches/:id/results",
    { config: { operation: "anthropic.batches.results" } },
    async (request, reply) => {
      const batch = findBatch(simulator, request);
      if (!batch.results) throw new ProviderRefusal(anthropicRefusal("The batch has no results yet.", 404));
      if (archivedAt(batch, simulator.clock.now()) !== null) {
        throw new ProviderRefusal(
          anthropicRefusal("The results of this batch are no longer available.", 404),
        );
      }
      return sendStored(simulator, request, reply, batch.results, "application/x-jsonl");
    },
  );
}

interface BatchParams {
  Params: { id: string };
}

async function createBatch(
  simulator: SimulatorState,
  account: string,
  input: unknown,
): Promise<AnthropicBatch> {
  const body = createBody.safeParse(input);
  if (!body.success) throw new ProviderRefusal(anthropicSchemaRefusal(body.error, input));
  const { requests } = body.data;
  if (requests.length > MOST_REQUESTS) {
    throw new ProviderRefusal(anthropicRefusal(`requests: List should have at most ${MOST_REQUESTS} items`));
  }
  const customIds = checkRequests(requests);
  return newAnthropicBatch({
    id: simulator.newId("msgbatch_01", 22),
    account,
    requests: await simulator.store.write(jsonLines(requests)),
    customIds,
    createdAt: simulator.clock.now(),
    timing: drawTiming(simulator.random, simulator.speed, simulator.batchSeconds),
    faults: simulator.faults.takeForBatch("anthropic"),
  });
}

/** The custom ids, in order; throws a 400 for the first request that is malformed or repeats an id. */
function checkRequests(requests: readonly unknown[]): string[] {
  const customIds = new Set<string>();
  for (const [index, request] of requests.entries()) {
    const parsed = batchRequest.safeParse(request);
    if (!parsed.success)
      throw new ProviderRefusal(anthropicSchemaRefusal(parsed.error, request, `requests.${index}.`));
    const customId = parsed.data.custom_id;
    if (customIds.has(customId)) {
      const message = `requests.${index}.custom_id: custom_ids must be unique within a batch: '${customId}' is repeated`;
      throw new ProviderRefusal(anthropicRefusal(message));
    }
    customIds.add(customId);
  }
  return [...customIds];
}

function* jsonLines(requests: readonly unknown[]): Generator<string> {
  for (const request of requests) yield `${JSON.stringify(request)}\n`;
}

/** `after_id` pages towards older batches, `before_id` towards newer ones; both keep the newest first. */
function pageOf(batches: readonly AnthropicBatch[], query: z.infer<typeof listQuery>) {
  const isBackwards = query.before_id !== undefined;
  const found = pageAfter(
    isBackwards ? batches.toReversed() : batches,
    query.before_id ?? query.after_id,
    query.limit,
  );
  if (!found) throw noSuchBatch(query.before_id ?? query.after_id ?? "");
  return { page: isBackwards ? found.page.toReversed() : found.page, hasMore: found.hasMore };
}

function findBatch(simulator: SimulatorState, request: FastifyRequest<BatchParams>): AnthropicBatch {
  const batch = simulator.anthropicBatches.get(request.params.id);
  if (batch?.account !== anthropicAccount(request) || batch.isDeleted) throw noSuchBatch(request.params.id);
  return batch;
}

function noSuchBatch(id: string): ProviderRefusal {
  return new ProviderRefusal(anthropicRefusal(`Message batch ${id} not found`, 404));
}
