import type { IncomingMessage, ServerResponse } from "node:http";
import type { ObjectEvent } from "../events/s3-event.ts";
import { HeldResponse, replayRequest } from "./answer.ts";
import { AwsError, ERROR_STYLES } from "./aws-error.ts";
import type { Serve } from "./emulators.ts";
import {
  deletedKeys,
  deleteObjectsAccesses,
  listBucketAccess,
  s3OperationOf,
  s3RequestOf,
} from "./s3-operation.ts";
import type { S3Request } from "./s3-operation.ts";
import { readBody } from "./service.ts";
import type { Call, Service } from "./service.ts";

/** What the emulator takes in one request. Larger objects go by multipart upload. */
const BODY_LIMIT = 11 * 1024 * 1024;

/** Operations that S3 raises an event for. */
const EVENT_KINDS: Readonly<Record<string, ObjectEvent["kind"]>> = {
  PutObject: "created",
  CopyObject: "created",
  CompleteMultipartUpload: "created",
  DeleteObject: "removed",
  DeleteObjects: "removed",
};

/** S3 over fauxqs. Bodies stream through in both directions, except the small ones of DeleteObjects. */
export class S3Service implements Service {
  readonly errors = ERROR_STYLES.s3;
  readonly #emulator: Serve;
  #tell: (event: ObjectEvent) => void = () => undefined;

  constructor(emulator: Serve) {
    this.#emulator = emulator;
  }

  /** Has `handler` told of every object that is stored or deleted, once that is answered. */
  onObject(handler: (event: ObjectEvent) => void): void {
    this.#tell = handler;
  }

  async read(request: IncomingMessage): Promise<Call> {
    usePathStyle(request);
    if (Number(request.headers["content-length"] ?? 0) > BODY_LIMIT)
      throw new AwsError("EntityTooLarge", "one request takes at most 11 MiB here: use a multipart upload");
    const parts = s3RequestOf(request.method ?? "GET", request.url ?? "/", request.headers);
    const { name, accesses } = s3OperationOf(parts);
    const operation = `s3:${name}`;
    if (name === "DeleteObjects") return this.#deleteObjects(request, name, parts);
    return {
      operation,
      accesses,
      run: (response) => {
        // Without a type the emulator fails on an empty body; this is the one that S3 itself assumes.
        request.headers["content-type"] ??= "binary/octet-stream";
        this.#tellAfter(response, name, parts.bucket, [parts.key], request.headers["content-length"]);
        this.#emulator(request, response);
      },
      ...(name === "GetObject" || name === "HeadObject"
        ? { whenMissing: this.#whenMissing(request, parts) }
        : {}),
    };
  }

  async #deleteObjects(request: IncomingMessage, name: string, { bucket }: S3Request): Promise<Call> {
    const body = await readBody(request);
    const accesses = deleteObjectsAccesses(bucket, body.toString());
    if (accesses.length === 0) throw new AwsError("MalformedXML", "the request names no key");
    return {
      operation: "s3:DeleteObjects",
      accesses,
      run: (response) => {
        const url = request.url ?? "/";
        const replayed = replayRequest(request, {
          url,
          headers: { "content-type": "application/xml" },
          body,
        });
        this.#tellAfter(response, name, bucket, deletedKeys(body.toString()));
        this.#emulator(replayed, response);
      },
    };
  }

  #tellAfter(
    response: ServerResponse,
    operation: string,
    bucket: string,
    keys: readonly string[],
    length?: string,
  ): void {
    const kind = EVENT_KINDS[operation];
    if (kind === undefined) return;
    response.once("finish", () => {
      const bytes = operation === "PutObject" && length !== undefined ? Number(length) : null;
      if (response.statusCode >= 300) return;
      for (const key of keys) this.#tell({ kind, operation, bucket, key, bytes });
    });
  }

  #whenMissing(request: IncomingMessage, { bucket }: S3Request): NonNullable<Call["whenMissing"]> {
    return {
      access: listBucketAccess(bucket),
      isMissing: async () => {
        const probe = replayRequest(request, { url: request.url ?? "/", headers: {}, body: "" });
        probe.method = "HEAD";
        const held = new HeldResponse(probe);
        this.#emulator(probe, held);
        return (await held.answer).status === 404;
      },
    };
  }
}

/** Turns `http://bucket.localhost/key` into `http://localhost/bucket/key`. */
function usePathStyle(request: IncomingMessage): void {
  const bucket = /^(.+?)\.(?:s3\.)?localhost(?::\d+)?$/.exec(request.headers.host ?? "")?.[1];
  if (bucket !== undefined && bucket !== "s3") request.url = `/${bucket}${request.url ?? "/"}`;
  // The emulator would take the first label of a host name for a bucket.
  request.headers.host = "localhost";
}
