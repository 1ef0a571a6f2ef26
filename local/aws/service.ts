import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { AwsError } from "./aws-error.ts";
import type { ErrorStyle } from "./aws-error.ts";
import type { Access } from "./permissions.ts";
import type { ConditionContext } from "./policy-condition.ts";
import type { Principal } from "./principals.ts";

/** What a request asks for, before anything of it is done. */
export interface Call {
  /** Service and API operation, such as `sqs:SendMessageBatch`. */
  readonly operation: string;
  /** Every permission that it needs; all must be held. Never empty. */
  readonly accesses: readonly Access[];
  /** What the JSON protocols ask it with, where its body has been read. */
  readonly input?: JsonInput;
  /** Does it and answers. `caller` is null for the account's root user. */
  run(response: ServerResponse, caller: Principal | null): void | Promise<void>;
  /** For batch operations: does the first half and answers that the rest was not processed. */
  readonly runPartly?: (response: ServerResponse, caller: Principal | null) => Promise<void>;
  /** The permission without which a missing object is answered with AccessDenied, and whether it is missing. */
  readonly whenMissing?: { readonly access: Access; isMissing(): Promise<boolean> };
}

export interface Service {
  readonly errors: ErrorStyle;
  /** Reads as much of the request as is needed to say what it asks for. Throws AwsError when that is not known. */
  read(request: IncomingMessage): Promise<Call>;
}

const JSON_BODY_LIMIT = 16 * 1024 * 1024;

/** The whole body. Throws AwsError when it is longer than any JSON service takes (16 MiB). */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > JSON_BODY_LIMIT)
        reject(new AwsError("RequestEntityTooLarge", "the request is too long", 413));
      else chunks.push(chunk);
    });
    request.on("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", reject);
  });
}

const inputSchema = z.record(z.string(), z.unknown());
export type JsonInput = z.output<typeof inputSchema>;

export interface JsonRequest {
  /** API operation without its service, such as `SendMessage`. */
  readonly operation: string;
  readonly input: JsonInput;
  readonly body: Buffer;
}

/** Reads a request of the JSON protocols, which name the operation in X-Amz-Target. */
export async function readJsonRequest(request: IncomingMessage): Promise<JsonRequest> {
  const body = await readBody(request);
  const target = request.headers["x-amz-target"];
  if (typeof target !== "string")
    throw new AwsError("MissingAction", "no X-Amz-Target header: only the JSON protocol is served here");
  const operation = target.slice(target.lastIndexOf(".") + 1);
  return { operation, input: parseInput(body), body };
}

/** Reads a request whose path names the operation and whose body is a JSON object. */
export async function readJsonBody(request: IncomingMessage): Promise<JsonInput> {
  return parseInput(await readBody(request));
}

function parseInput(body: Buffer): JsonInput {
  try {
    return inputSchema.parse(body.length === 0 ? {} : JSON.parse(body.toString()));
  } catch {
    throw new AwsError("SerializationException", "the request body is not a JSON object");
  }
}

/** Parses what an operation needs of its input. Throws AwsError ValidationException. */
export function parseRequest<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new AwsError("ValidationException", z.prettifyError(parsed.error));
  return parsed.data;
}

export function unmapped(operation: string): AwsError {
  return new AwsError(
    "UnsupportedOperation",
    `the local endpoint does not know which permission ${operation} needs`,
  );
}

// Every call reaches AWS over TLS; the plain HTTP of this machine stands in for it.
const TRANSPORT: ConditionContext = { "aws:SecureTransport": ["true"] };

/** An access with the context that every request has. Keys without a value are left out. */
export function access(action: string, resource: string, context: ConditionContext = TRANSPORT): Access {
  return { action, resource, context: context === TRANSPORT ? TRANSPORT : { ...TRANSPORT, ...context } };
}
