// oxlint-disable oxc/no-async-endpoint-handlers -- the rule is for Express; Fastify awaits its handlers.
import type { MultipartFile } from "@fastify/multipart";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { StoredBytes } from "./file-store.ts";
import { openAiAccount } from "./openai-scope.ts";
import { openAiRefusal, openAiSchemaRefusal, ProviderRefusal } from "./provider-errors.ts";
import { pageAfter, sendStored } from "./provider-scope.ts";
import type { OpenAiFile, SimulatorState } from "./simulator-state.ts";

const LARGEST_BATCH_FILE = 200 * 1024 * 1024;
const LARGEST_FILE = 512 * 1024 * 1024;
const BATCH_FILE_SECONDS = 30 * 24 * 60 * 60;

const uploadFields = z.object({
  purpose: z.enum(["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]),
  "expires_after[anchor]": z.literal("created_at").optional(),
  "expires_after[seconds]": z.coerce.number().int().min(3600).max(2_592_000).optional(),
});
const listQuery = z.object({
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
  order: z.enum(["asc", "desc"]).default("desc"),
  purpose: z.string().optional(),
});

/** Files: upload, read, list, download, delete. */
export function addOpenAiFileRoutes(app: FastifyInstance, simulator: SimulatorState): void {
  app.post("/files", { config: { operation: "openai.files.create" } }, async (request) => {
    const upload = await receiveUpload(simulator, request);
    const fields = checkUpload(upload);
    const createdAt = Math.floor(simulator.clock.now() / 1000);
    const lifetime =
      fields["expires_after[seconds]"] ?? (fields.purpose === "batch" ? BATCH_FILE_SECONDS : undefined);
    const file: OpenAiFile = {
      id: simulator.newId("file-", 22),
      account: openAiAccount(request),
      filename: upload.filename,
      purpose: fields.purpose,
      createdAt,
      expiresAt: lifetime === undefined ? null : createdAt + lifetime,
      stored: upload.stored,
    };
    simulator.openAiFiles.set(file.id, file);
    return toFileObject(file);
  });

  app.get("/files", { config: { operation: "openai.files.list" } }, async (request) => {
    const query = listQuery.safeParse(request.query);
    if (!query.success) throw new ProviderRefusal(openAiSchemaRefusal(query.error, request.query));
    const { after, limit, order, purpose } = query.data;
    const account = openAiAccount(request);
    const files = [...simulator.openAiFiles.values()]
      .filter((file) => file.account === account && !isExpired(simulator, file))
      .filter((file) => purpose === undefined || file.purpose === purpose);
    const found = pageAfter(order === "asc" ? files : files.toReversed(), after, limit);
    if (!found) throw noSuchFile(after ?? "");
    const data = found.page.map(toFileObject);
    const ends = { first_id: found.page[0]?.id ?? null, last_id: found.page.at(-1)?.id ?? null };
    return { object: "list", data, ...ends, has_more: found.hasMore };
  });

  app.get<FileParams>("/files/:id", { config: { operation: "openai.files.retrieve" } }, async (request) =>
    toFileObject(findFile(simulator, openAiAccount(request), request.params.id)),
  );

  app.get<FileParams>(
    "/files/:id/content",
    { config: { operation: "openai.files.content" } },
    async (request, reply) => {
      const file = findFile(simulator, openAiAccount(request), request.params.id);
      return sendStored(simulator, request, reply, file.stored, "application/octet-stream");
    },
  );

  app.delete<FileParams>("/files/:id", { config: { operation: "openai.files.delete" } }, async (request) => {
    const file = findFile(simulator, openAiAccount(request), request.params.id);
    simulator.openAiFiles.delete(file.id);
    await simulator.store.remove(file.stored);
    return { id: file.id, object: "file", deleted: true };
  });
}

interface FileParams {
  Params: { id: string };
}

/** A file of this account that is neither deleted nor expired; throws a 404 otherwise. */
export function findFile(simulator: SimulatorState, account: string, id: string): OpenAiFile {
  const file = simulator.openAiFiles.get(id);
  if (file?.account !== account || isExpired(simulator, file)) throw noSuchFile(id);
  return file;
}

function noSuchFile(id: string): ProviderRefusal {
  return new ProviderRefusal(openAiRefusal(`No such File object: ${id}`, { status: 404, param: "id" }));
}

function isExpired(simulator: SimulatorState, file: OpenAiFile): boolean {
  return file.expiresAt !== null && simulator.clock.now() >= file.expiresAt * 1000;
}

interface Upload {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly filename: string;
  readonly stored: StoredBytes;
}

/** Fields may stand before or after the file, so the file goes to disk first and is judged afterwards. */
async function receiveUpload(simulator: SimulatorState, request: FastifyRequest): Promise<Upload> {
  if (!request.isMultipart()) {
    throw new ProviderRefusal(openAiRefusal("Invalid content type: expected multipart/form-data."));
  }
  const fields: Record<string, unknown> = {};
  let received: { part: MultipartFile; stored: StoredBytes } | undefined;
  for await (const part of request.parts({ limits: { fileSize: LARGEST_FILE } })) {
    if (part.type === "field") fields[part.fieldname] = part.value;
    else received = { part, stored: await simulator.store.receive(part.file) };
  }
  if (!received) throw new ProviderRefusal(openAiRefusal("'file' is a required property", { param: "file" }));
  return { fields, filename: received.part.filename, stored: received.stored };
}

function checkUpload(upload: Upload): z.infer<typeof uploadFields> {
  const fields = uploadFields.safeParse(upload.fields);
  if (!fields.success) throw new ProviderRefusal(openAiSchemaRefusal(fields.error, upload.fields));
  if (fields.data.purpose !== "batch") return fields.data;
  if (!upload.filename.endsWith(".jsonl")) {
    throw new ProviderRefusal(openAiRefusal("Invalid file format for Batch API. Must be .jsonl"));
  }
  if (upload.stored.bytes > LARGEST_BATCH_FILE) {
    const message = `File is too large for the Batch API. Maximum size is ${LARGEST_BATCH_FILE} bytes.`;
    throw new ProviderRefusal(openAiRefusal(message, { param: "file" }));
  }
  return fields.data;
}

function toFileObject(file: OpenAiFile): object {
  return {
    id: file.id,
    object: "file",
    bytes: file.stored.bytes,
    created_at: file.createdAt,
    expires_at: file.expiresAt,
    filename: file.filename,
    purpose: file.purpose,
    status: "processed",
    status_details: null,
  };
}
