// oxlint-disable oxc/no-async-endpoint-handlers -- the rule is for Express; Fastify awaits its handlers.
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { drawTiming } from "./batch-timing.ts";
import { hasEnded, newOpenAiBatch, type OpenAiBatch, toBatchObject } from "./openai-batch.ts";
import { runOpenAiBatch } from "./openai-batch-run.ts";
import { findFile } from "./openai-file-routes.ts";
import { OPENAI_ENDPOINTS } from "./openai-request-rules.ts";
import { openAiAccount } from "./openai-scope.ts";
import { openAiRefusal, openAiSchemaRefusal, ProviderRefusal } from "./provider-errors.ts";
import { listedBatches, pageAfter } from "./provider-scope.ts";
import type { SimulatorState } from "./simulator-state.ts";

const HOUR_MS = 60 * 60 * 1000;

const createBody = z.strictObject({
  input_file_id: z.string(),
  endpoint: z.enum(OPENAI_ENDPOINTS),
  completion_window: z.literal("24h"),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= 16, "at most 16 pairs are allowed")
    .nullish(),
  output_expires_after: z
    .strictObject({ anchor: z.literal("created_at"), seconds: z.int().min(3600).max(2_592_000) })
    .optional(),
});
const listQuery = z.object({
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

/** Batches: create, read, list newest first, cancel. */
export function addOpenAiBatchRoutes(app: FastifyInstance, simulator: SimulatorState): void {
  app.post("/batches", { config: { operation: "openai.batches.create" } }, async (request) => {
    const batch = createBatch(simulator, openAiAccount(request), request.body);
    simulator.openAiBatches.set(batch.id, batch);
    const shown = toBatchObject(batch);
    simulator.runInBackground(runOpenAiBatch(simulator, batch));
    return shown;
  });

  app.get("/batches", { config: { operation: "openai.batches.list" } }, async (request) => {
    const query = listQuery.safeParse(request.query);
    if (!query.success) throw new ProviderRefusal(openAiSchemaRefusal(query.error, request.query));
    const account = openAiAccount(request);
    const batches = [...simulator.openAiBatches.values()]
      .filter((batch) => batch.account === account)
      .toReversed();
    const found = pageAfter(listedBatches(batches), query.data.after, query.data.limit);
    if (!found) throw noSuchBatch(query.data.after ?? "");
    const ends = { first_id: found.page[0]?.id ?? null, last_id: found.page.at(-1)?.id ?? null };
    return { object: "list", data: found.page.map(toBatchObject), ...ends, has_more: found.hasMore };
  });

  app.get<BatchParams>(
    "/batches/:id",
    { config: { operation: "openai.batches.retrieve" } },
    async (request) => {
      const batch = findBatch(simulator, openAiAccount(request), request.params.id);
      if (batch.hiddenReads === 0) return toBatchObject(batch);
      batch.hiddenReads -= 1;
      throw noSuchBatch(batch.id);
    },
  );

  app.post<BatchParams>(
    "/batches/:id/cancel",
    { config: { operation: "openai.batches.cancel" } },
    async (request) => {
      const batch = findBatch(simulator, openAiAccount(request), request.params.id);
      if (hasEnded(batch)) {
        const message = `Cannot cancel a batch with status '${batch.status}'.`;
        throw new ProviderRefusal(openAiRefusal(message, { status: 409 }));
      }
      if (batch.status !== "cancelling") {
        batch.status = "cancelling";
        batch.enteredAt.set("cancelling", simulator.clock.now());
        if (!batch.faults.lateCancel) batch.cancellation.abort();
      }
      return toBatchObject(batch);
    },
  );
}

interface BatchParams {
  Params: { id: string };
}

function createBatch(simulator: SimulatorState, account: string, input: unknown): OpenAiBatch {
  const body = createBody.safeParse(input);
  if (!body.success) throw new ProviderRefusal(openAiSchemaRefusal(body.error, input));
  const { input_file_id: fileId, endpoint, metadata, output_expires_after: expiry } = body.data;
  const inputFile = findFile(simulator, account, fileId);
  if (inputFile.purpose !== "batch") {
    const message = `File ${fileId} has purpose '${inputFile.purpose}'; batches take files with purpose 'batch'.`;
    throw new ProviderRefusal(openAiRefusal(message, { param: "input_file_id" }));
  }
  checkHourlyLimit(simulator, account);
  return newOpenAiBatch({
    id: simulator.newId("batch_", 32),
    account,
    endpoint,
    inputFile,
    metadata: metadata ?? null,
    outputExpiresAfterSeconds: expiry?.seconds ?? null,
    createdAt: simulator.clock.now(),
    timing: drawTiming(simulator.random, simulator.speed, simulator.batchSeconds),
    faults: simulator.faults.takeForBatch("openai"),
  });
}

function checkHourlyLimit(simulator: SimulatorState, account: string): void {
  const since = simulator.clock.now() - HOUR_MS;
  const recent = [...simulator.openAiBatches.values()].filter(
    (batch) => batch.account === account && batch.createdAt > since,
  );
  if (recent.length < simulator.batchesPerHour) return;
  const message = `Rate limit reached for batches: limit ${simulator.batchesPerHour} per hour.`;
  throw new ProviderRefusal(
    openAiRefusal(message, { status: 429, type: "requests", code: "rate_limit_exceeded" }),
  );
}

function findBatch(simulator: SimulatorState, account: string, id: string): OpenAiBatch {
  const batch = simulator.openAiBatches.get(id);
  if (batch?.account !== account) throw noSuchBatch(id);
  return batch;
}

function noSuchBatch(id: string): ProviderRefusal {
  return new ProviderRefusal(openAiRefusal(`No batch found with id '${id}'.`, { status: 404 }));
}
