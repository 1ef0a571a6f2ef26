import type { Anthropic } from "@anthropic-ai/sdk";
import type { ProviderBatch } from "../../domain/batch-record.ts";
import {
  BatchNotFoundError,
  MissingRecordError,
  ProviderRefusalError,
  ResultsGoneError,
  RetryableError,
} from "../../domain/failures.ts";
import type { BatchProvider, ObjectStore } from "../../ports.ts";
import { anthropicBatchSchema, toProviderBatch } from "./anthropic-batch-object.ts";
import { batchBody } from "./anthropic-batch-body.ts";
import { responseBytes, watched } from "./byte-streams.ts";
import { BULK_CALL, DELETION_CALL, REPEATABLE_CALL, SINGLE_CALL } from "./provider-clients.ts";
import { batchCallFailure, isGone } from "./provider-failures.ts";

const PAGE_SIZE = 100;

type AnthropicBatchProviderOptions = { readonly client: Anthropic; readonly objects: ObjectStore };

/** Anthropic's Message Batches. They carry no name of ours, so a lost create is found by its time and count. */
export function anthropicBatchProvider({ client, objects }: AnthropicBatchProviderOptions): BatchProvider {
  const get: BatchProvider["get"] = async (id) => {
    try {
      return toProviderBatch(
        anthropicBatchSchema.parse(await client.messages.batches.retrieve(id, {}, REPEATABLE_CALL)),
      );
    } catch (error) {
      if (isGone(error)) throw new BatchNotFoundError(`anthropic has no batch ${id}`, { cause: error });
      throw batchCallFailure("anthropic", "repeatable", error);
    }
  };
  return {
    provider: "anthropic",
    namesBatches: false,
    get,
    upload: async () => null,

    async create({ batchId, endpoint, inputKey }) {
      if (endpoint !== "/v1/messages") {
        throw new ProviderRefusalError("invalid_batch", `${batchId} is not a batch for Anthropic`);
      }
      const inputBytes = await objects.size(inputKey);
      if (inputBytes === undefined) throw new MissingRecordError(`${inputKey} is missing`);
      const input = watched(objects.stream(inputKey));
      const { chunks, length } = batchBody(input.chunks, inputBytes);
      try {
        // Through the SDK's own `create` the requests would be held as objects and again as one string.
        const created = await client.post("/v1/messages/batches", {
          ...BULK_CALL,
          body: chunks,
          headers: { "content-type": "application/json", "content-length": String(length) },
        });
        return toProviderBatch(anthropicBatchSchema.parse(created));
      } catch (error) {
        // A body that broke off is shorter than announced: nothing was created from it.
        throw input.failure() ?? batchCallFailure("anthropic", "create", error);
      }
    },

    async *listSince(since) {
      try {
        for await (const listed of client.messages.batches.list({ limit: PAGE_SIZE }, REPEATABLE_CALL)) {
          const batch = toProviderBatch(anthropicBatchSchema.parse(listed));
          // Newest first.
          if (batch.createdAt < since) return;
          yield { batch, batchId: null };
        }
      } catch (error) {
        throw batchCallFailure("anthropic", "repeatable", error);
      }
    },

    async *output(batch, file) {
      if (file === "errors") return;
      if (batch.outputFileId === null) throw noResults(batch);
      try {
        // By path, not by the batch's `results_url`: the key goes nowhere but to the configured address.
        const path = `/v1/messages/batches/${encodeURIComponent(batch.id)}/results`;
        const options = { ...REPEATABLE_CALL, headers: { accept: "application/binary" } };
        yield* responseBytes(await client.get(path, options).asResponse());
      } catch (error) {
        if (isGone(error)) throw noResults(batch);
        throw batchCallFailure("anthropic", "repeatable", error);
      }
    },

    async cancel(id) {
      try {
        await client.messages.batches.cancel(id, {}, SINGLE_CALL);
      } catch (error) {
        // Cancelling what has ended may be refused; then there is nothing to do.
        const { phase, status } = await get(id);
        if (phase !== "ended" && status !== "canceling")
          throw batchCallFailure("anthropic", "repeatable", error);
      }
    },

    async deleteFiles({ id }) {
      if (id === null) return;
      try {
        await client.messages.batches.delete(id, {}, DELETION_CALL);
      } catch (error) {
        if (!isGone(error)) throw batchCallFailure("anthropic", "repeatable", error);
      }
    },
  };
}

function noResults({ id, phase, status }: ProviderBatch): Error {
  return phase === "ended"
    ? new ResultsGoneError(`Anthropic has the results of ${id} no longer`)
    : new RetryableError(`Anthropic's batch ${id} is still ${status}`);
}
