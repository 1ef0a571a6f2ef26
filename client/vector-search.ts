import { NotFoundException, QueryVectorsCommand, type S3VectorsClient } from "@aws-sdk/client-s3vectors";
import { z } from "zod";
import type { TenantId } from "../lambdas/domain/ids.ts";
import { toIso } from "../lambdas/domain/instant.ts";
import { versionName } from "../lambdas/domain/re-index/document-source.ts";
import { vectorIndexName, vectorMetadataSchema, versionOf } from "../lambdas/domain/re-index/vector-entry.ts";
import type { NamedDocument } from "./index-files.ts";
import type { Candidate, Query } from "./search-query.ts";

export type VectorsOptions = {
  readonly client: S3VectorsClient;
  /** The stack's output `VectorBucketArn`. */
  readonly bucketArn: string;
};

const BUCKET_ARN = /^arn:[^:]+:s3vectors:[^:]+:\d+:bucket\/[^/]+$/;

/** Throws a TypeError unless `bucketArn` is the ARN of a vector bucket. */
export function assertVectors({ bucketArn }: VectorsOptions): void {
  if (!BUCKET_ARN.test(bucketArn))
    throw new TypeError(
      `vectors.bucketArn is to be the stack's output VectorBucketArn, arn:aws:s3vectors:…:bucket/…, not ${bucketArn}`,
    );
}

/** The most that S3 Vectors finds in one query. */
export const MOST_HITS = 100;

/** Queries that one search makes at most: each leaves out the versions that the ones before found for nothing. */
const QUERIES = 5;

type Filter = Exclude<ConstructorParameters<typeof QueryVectorsCommand>[0]["filter"], undefined>;

const foundSchema = z.object({ key: z.string(), distance: z.number(), metadata: vectorMetadataSchema });
type Found = z.infer<typeof foundSchema>;

/**
 * The chunks of these documents that S3 Vectors finds nearest to a query. Its index holds more than a manifest names:
 * versions that are to come, and those that are about to go. What is found of them is left out, and looked past where
 * fewer remain than were asked for. Undefined when there is too much of it to look past.
 */
export async function searchVectors(
  { client, bucketArn }: VectorsOptions,
  index: { readonly tenantId: TenantId; readonly model: string },
  documents: readonly NamedDocument[],
  { vector, limit, freshAt }: Query,
): Promise<Candidate[] | undefined> {
  const { tenantId, model } = index;
  if (documents.length === 0) return [];
  const byVersion = new Map(documents.map((document) => [nameOf(tenantId, document), document]));
  const strangers = new Set<string>();
  for (let number = 0; number < QUERIES; number += 1) {
    const found = await nearest(client, {
      indexArn: `${bucketArn}/index/${vectorIndexName(tenantId, model)}`,
      vector,
      filter: filterOf(strangers, freshAt),
    });
    const named = found.flatMap((each) => {
      const document = byVersion.get(versionOf(each.key));
      return document ? [candidateOf(document, each)] : [];
    });
    if (named.length >= limit || found.length < MOST_HITS) return named.slice(0, limit);
    for (const { key } of found) if (!byVersion.has(versionOf(key))) strangers.add(versionOf(key));
  }
  return undefined;
}

/** In the order that S3 Vectors gives them: the nearest first. */
async function nearest(
  client: S3VectorsClient,
  query: {
    readonly indexArn: string;
    readonly vector: ArrayLike<number>;
    readonly filter: Filter | undefined;
  },
): Promise<Found[]> {
  const { indexArn, vector, filter } = query;
  const found: unknown[] = [];
  let nextToken: string | undefined;
  try {
    do {
      const page = await client.send(
        new QueryVectorsCommand({
          indexArn,
          topK: MOST_HITS,
          queryVector: { float32: Array.from(vector) },
          ...(filter !== undefined && { filter }),
          ...(nextToken !== undefined && { nextToken }),
          returnDistance: true,
          returnMetadata: true,
        }),
      );
      found.push(...(page.vectors ?? []));
      ({ nextToken } = page);
    } while (nextToken !== undefined);
  } catch (error) {
    if (!(error instanceof NotFoundException)) throw error;
    throw new Error(`there is no ${indexArn}, though the manifest says so: is it the stack's own bucket?`, {
      cause: error,
    });
  }
  return z.array(foundSchema).parse(found);
}

function filterOf(strangers: ReadonlySet<string>, freshAt: Date | undefined): Filter | undefined {
  const filters: Filter[] = [];
  if (strangers.size > 0) filters.push({ version: { $nin: [...strangers] } });
  if (freshAt !== undefined)
    filters.push({
      $or: [{ effectiveUntil: { $exists: false } }, { effectiveUntil: { $gt: freshAt.getTime() } }],
    });
  return filters.length > 1 ? { $and: filters } : filters[0];
}

function candidateOf(document: NamedDocument, { key, distance, metadata }: Found): Candidate {
  const { headings = [], hash, effectiveUntil, offset, length } = metadata;
  return {
    document,
    number: Number(key.slice(key.lastIndexOf("/") + 1)),
    headings,
    hash,
    effectiveUntil: effectiveUntil === undefined ? null : toIso(effectiveUntil),
    offset,
    length,
    score: 1 - distance,
  };
}

/** A document's key ends in the name of a file, and what is before it is its version's folder. */
function nameOf(tenantId: TenantId, { key }: NamedDocument): string {
  return versionName(tenantId, key.slice(0, key.lastIndexOf("/") + 1));
}
