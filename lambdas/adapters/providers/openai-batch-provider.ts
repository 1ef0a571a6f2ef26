import { type OpenAI, toStreamingFile } from "openai";
import { z } from "zod";
import { BatchNotFoundError, ProviderRefusalError, ResultsGoneError } from "../../domain/failures.ts";
import type { BatchProvider, ObjectStore } from "../../ports.ts";
import { responseBytes, watched } from "./byte-streams.ts";
import { batchIdOf, batchMetadata, openAiBatchSchema, toProviderBatch } from "./openai-batch-object.ts";
import { BULK_CALL, DELETION_CALL, REPEATABLE_CALL, SINGLE_CALL } from "./provider-clients.ts";
import { batchCallFailure, isGone } from "./provider-failures.ts";

/** Inputs and outputs stay as long as OpenAI allows, 30 days, for whoever must look into a batch. */
const FILE_EXPIRY = { anchor: "created_at", seconds: 30 * 24 * 60 * 60 } as const;
const PAGE_SIZE = 100;

const fileSchema = z.object({ id: z.string() });

type OpenAiBatchProviderOptions = {
  readonly client: OpenAI;
  readonly objects: ObjectStore;
  /** Tells our batches from those of other stacks on the same account. */
  readonly stackName: string;
};

/** OpenAI's Files and Batch API, or a server that speaks it. */
export function openAiBatchProvider(options: OpenAiBatchProviderOptions): BatchProvider {
  const { client, objects, stackName } = options;
  const get: BatchProvider["get"] = async (id) => {
    try {
      return toProviderBatch(openAiBatchSchema.parse(await client.batches.retrieve(id, REPEATABLE_CALL)));
    } catch (error) {
      if (isGone(error)) throw new BatchNotFoundError(`openai has no batch ${id}`, { cause: error });
      throw batchCallFailure("openai", "repeatable", error);
    }
  };
  return {
    provider: "openai",
    namesBatches: true,
    get,

    async upload({ key, name }) {
      const input = watched(objects.stream(key));
      const file = toStreamingFile(input.chunks, name, { type: "application/jsonl" });
      try {
        const upload = { file, purpose: "batch", expires_after: FILE_EXPIRY } as const;
        return fileSchema.parse(await client.files.create(upload, BULK_CALL)).id;
      } catch (error) {
        // Repeatable: a second upload leaves a file that nobody uses and that expires.
        throw input.failure() ?? batchCallFailure("openai", "upload", error);
      }
    },

    async create({ batchId, endpoint, inputFileId }) {
      if (inputFileId === null || endpoint === "/v1/messages") {
        throw new ProviderRefusalError("invalid_batch", `${batchId} is not a batch for OpenAI`);
      }
      const batch = {
        endpoint,
        input_file_id: inputFileId,
        completion_window: "24h",
        metadata: batchMetadata(stackName, batchId),
        output_expires_after: FILE_EXPIRY,
      } as const;
      try {
        return toProviderBatch(openAiBatchSchema.parse(await client.batches.create(batch, SINGLE_CALL)));
      } catch (error) {
        throw batchCallFailure("openai", "create", error);
      }
    },

    async *listSince(since) {
      try {
        for await (const listed of client.batches.list({ limit: PAGE_SIZE }, REPEATABLE_CALL)) {
          const batch = openAiBatchSchema.parse(listed);
          // Newest first; creation times are whole seconds, rounded down.
          if (batch.created_at < Math.floor(since / 1000)) return;
          yield { batch: toProviderBatch(batch), batchId: batchIdOf(batch, stackName) };
        }
      } catch (error) {
        throw batchCallFailure("openai", "repeatable", error);
      }
    },

    async *output(batch, file) {
      const fileId = file === "output" ? batch.outputFileId : batch.errorFileId;
      const { total, completed, failed } = batch.counts;
      // A file is named when it is there. Some servers count every line as completed, also where all of them failed.
      if (file === "output" && fileId === null && completed > 0 && failed < total)
        throw new ResultsGoneError(
          `OpenAI completed ${completed} requests of ${batch.id} and names no output`,
        );
      if (fileId === null) return;
      try {
        yield* responseBytes(await client.files.content(fileId, REPEATABLE_CALL));
      } catch (error) {
        if (isGone(error)) throw new ResultsGoneError(`OpenAI has file ${fileId} of ${batch.id} no longer`);
        throw batchCallFailure("openai", "repeatable", error);
      }
    },

    async cancel(id) {
      try {
        await client.batches.cancel(id, SINGLE_CALL);
      } catch (error) {
        // Cancelling what has ended is refused; then there is nothing to do.
        const { phase, status } = await get(id);
        if (phase !== "ended" && status !== "cancelling")
          throw batchCallFailure("openai", "repeatable", error);
      }
    },

    async deleteFiles({ inputFileId, outputFileId, errorFileId }) {
      const fileIds = [inputFileId, outputFileId, errorFileId].filter((id) => id !== null);
      // Each is tried, whatever becomes of the others.
      const deletions = await Promise.allSettled(fileIds.map((id) => deleteFile(client, id)));
      const refused = deletions.find((deletion) => deletion.status === "rejected");
      if (refused) throw refused.reason;
    },
  };
}

/** Deletes one file; what is gone already is no error. */
async function deleteFile(client: OpenAI, id: string): Promise<void> {
  try {
    await client.files.delete(id, DELETION_CALL);
  } catch (error) {
    if (!isGone(error)) throw batchCallFailure("openai", "repeatable", error);
  }
}
