import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { sendAnswer } from "./answer.ts";
import { AwsError, ERROR_STYLES } from "./aws-error.ts";
import {
  access,
  type Call,
  type JsonInput,
  parseRequest,
  readJsonBody,
  type Service,
  unmapped,
} from "./service.ts";
import { parseFilter } from "./vector-filter.ts";
import { CosineIndex } from "./cosine-index.ts";

const indexName = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/);
const indexArn = z.string().regex(/^arn:aws:s3vectors:[^:]*:[^:]*:bucket\/[^/]+\/index\/[^/]+$/);
const float32 = z.strictObject({ float32: z.array(z.number()).min(1) });
const keySchema = z.string().min(1).max(1024);

// Strict: an input that is skipped would change what AWS does.
const createSchema = z.strictObject({
  vectorBucketArn: z.string(),
  indexName,
  dataType: z.literal("float32"),
  dimension: z.int().min(1).max(4096),
  distanceMetric: z.literal("cosine"),
  metadataConfiguration: z
    .strictObject({ nonFilterableMetadataKeys: z.array(z.string().max(63)).min(1).max(10) })
    .optional(),
});
const putSchema = z.strictObject({
  indexArn,
  vectors: z
    .array(z.strictObject({ key: keySchema, data: float32, metadata: z.unknown().optional() }))
    .min(1)
    .max(500),
});
const deleteSchema = z.strictObject({ indexArn, keys: z.array(keySchema).min(1).max(500) });
const querySchema = z.strictObject({
  indexArn,
  topK: z.int().min(1).max(100),
  queryVector: float32,
  filter: z.unknown().optional(),
  returnMetadata: z.boolean().default(false),
  returnDistance: z.boolean().default(false),
});

/** What a request is about, and what is done for it. */
type Request = { readonly arn: string; readonly actions: readonly string[]; readonly perform: () => unknown };

/**
 * A stand-in for S3 Vectors, in memory: as much of it as is used here, with the limits that its documentation states
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html, read 2026-11-30).
 */
export class S3VectorsService implements Service {
  readonly errors = ERROR_STYLES.s3vectors;
  /** Indexes by ARN, for each bucket's ARN. */
  readonly #buckets = new Map<string, Map<string, CosineIndex>>();

  createBucket(arn: string): void {
    if (!this.#buckets.has(arn)) this.#buckets.set(arn, new Map());
  }

  async read(request: IncomingMessage): Promise<Call> {
    const operation = request.url?.slice(1) ?? "";
    const { arn, actions, perform } = this.#request(operation, await readJsonBody(request));
    return {
      operation: `s3vectors:${operation}`,
      accesses: actions.map((action) => access(`s3vectors:${action}`, arn)),
      run: (response) => {
        sendAnswer(response, {
          status: 200,
          headers: { "content-type": "application/json" },
          body: JSON.stringify(perform()),
        });
      },
    };
  }

  #request(operation: string, input: JsonInput): Request {
    switch (operation) {
      case "CreateIndex":
        return this.#create(input);
      case "PutVectors":
        return this.#put(input);
      case "DeleteVectors":
        return this.#delete(input);
      case "QueryVectors":
        return this.#query(input);
      default:
        throw unmapped(`s3vectors:${operation}`);
    }
  }

  #create(input: JsonInput): Request {
    const {
      vectorBucketArn,
      indexName: name,
      dimension,
      metadataConfiguration,
    } = parseRequest(createSchema, input);
    const arn = `${vectorBucketArn}/index/${name}`;
    const perform = () => {
      const indexes = this.#buckets.get(vectorBucketArn);
      if (indexes === undefined) throw missing("vector bucket");
      if (indexes.has(arn)) throw new AwsError("ConflictException", "there is an index of this name", 409);
      indexes.set(arn, new CosineIndex(dimension, metadataConfiguration?.nonFilterableMetadataKeys ?? []));
      return { indexArn: arn };
    };
    return { arn, actions: ["CreateIndex"], perform };
  }

  #put(input: JsonInput): Request {
    const { indexArn: arn, vectors } = parseRequest(putSchema, input);
    const entries = vectors.map(({ key, data, metadata }) => ({ key, data: data.float32, metadata }));
    const perform = () => {
      this.#find(arn).put(entries);
      return {};
    };
    return { arn, actions: ["PutVectors"], perform };
  }

  #delete(input: JsonInput): Request {
    const { indexArn: arn, keys } = parseRequest(deleteSchema, input);
    const perform = () => {
      this.#find(arn).delete(keys);
      return {};
    };
    return { arn, actions: ["DeleteVectors"], perform };
  }

  #query(input: JsonInput): Request {
    const { indexArn: arn, topK, queryVector, filter, ...returned } = parseRequest(querySchema, input);
    // Metadata is read by GetVectors: asking for it, or by it, needs that permission too.
    const readsMetadata = filter !== undefined || returned.returnMetadata;
    const perform = () => {
      const index = this.#find(arn);
      const found = index.query(queryVector.float32, topK, parseFilter(filter ?? {}, index.unfiltered));
      const vectors = found.map(({ key, distance, metadata }) => ({
        key,
        ...(returned.returnDistance && { distance }),
        ...(returned.returnMetadata && { metadata }),
      }));
      return { vectors, distanceMetric: "cosine" };
    };
    return { arn, actions: ["QueryVectors", ...(readsMetadata ? ["GetVectors"] : [])], perform };
  }

  #find(arn: string): CosineIndex {
    const index = this.#buckets.get(arn.slice(0, arn.lastIndexOf("/index/")))?.get(arn);
    if (index === undefined) throw missing("vector index");
    return index;
  }
}

function missing(what: string): AwsError {
  return new AwsError("NotFoundException", `there is no such ${what}`, 404);
}
