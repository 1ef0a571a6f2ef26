import {
  CreateIndexCommand,
  DeleteVectorsCommand,
  PutVectorsCommand,
  QueryVectorsCommand,
  S3VectorsClient,
} from "@aws-sdk/client-s3vectors";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type LocalAws, startLocalAws } from "../../../local/aws/local-aws.ts";
import { allow } from "./clients.ts";

const BUCKET = "arn:aws:s3vectors:us-east-1:000000000000:bucket/kb";

let aws: LocalAws;
let root: S3VectorsClient;
let number = 0;
let indexArn: string;

function clientOf(credentials: { accessKeyId: string; secretAccessKey: string }): S3VectorsClient {
  return new S3VectorsClient({ endpoint: aws.endpoint, region: aws.region, credentials, maxAttempts: 1 });
}

beforeAll(async () => {
  aws = await startLocalAws();
  aws.vectors.createBucket(BUCKET);
  root = clientOf({ accessKeyId: "anyone", secretAccessKey: "anything" });
});
afterAll(async () => {
  root.destroy();
  await aws.close();
});

beforeEach(async () => {
  const indexName = `acme.${(number += 1)}`;
  indexArn = `${BUCKET}/index/${indexName}`;
  await root.send(create(indexName));
});

function create(indexName: string, vectorBucketArn = BUCKET): CreateIndexCommand {
  return new CreateIndexCommand({
    vectorBucketArn,
    indexName,
    dataType: "float32",
    dimension: 2,
    distanceMetric: "cosine",
    metadataConfiguration: { nonFilterableMetadataKeys: ["source"] },
  });
}

type Metadata = Record<string, string | number | boolean | string[]>;

async function put(key: string, floats: number[], metadata: Metadata = {}): Promise<void> {
  const vectors = [{ key, data: { float32: floats }, metadata }];
  await root.send(new PutVectorsCommand({ indexArn, vectors }));
}

function query(
  options: Partial<ConstructorParameters<typeof QueryVectorsCommand>[0]> = {},
): QueryVectorsCommand {
  return new QueryVectorsCommand({ indexArn, topK: 10, queryVector: { float32: [1, 0] }, ...options });
}

async function found(options: Parameters<typeof query>[0] = {}): Promise<(string | undefined)[]> {
  return ((await root.send(query(options))).vectors ?? []).map(({ key }) => key);
}

describe("a query", () => {
  beforeEach(async () => {
    await put("east", [2, 0], { version: "a", until: 5, source: "s" });
    await put("north-east", [1, 1], { version: "b" });
    await put("north", [0, 1], { version: "a", until: 9, tags: ["x", "y"] });
  });

  it("gives the nearest first, by cosine, with what is asked for", async () => {
    expect(await found()).toEqual(["east", "north-east", "north"]);
    const { vectors } = await root.send(query({ topK: 1, returnDistance: true, returnMetadata: true }));
    expect(vectors).toEqual([
      { key: "east", distance: 0, metadata: { version: "a", until: 5, source: "s" } },
    ]);
  });

  it.each<[string, Metadata | object, string[]]>([
    ["a value", { version: "a" }, ["east", "north"]],
    ["none of some values", { version: { $nin: ["a", "c"] } }, ["north-east"]],
    ["a value of a list", { tags: { $eq: "y" } }, ["north"]],
    ["a number above", { until: { $gt: 5 } }, ["north"]],
    ["absence", { until: { $exists: false } }, ["north-east"]],
    ["one of two", { $or: [{ until: { $exists: false } }, { until: { $gte: 9 } }] }, ["north-east", "north"]],
    ["both of two", { $and: [{ version: "a" }, { until: { $lt: 9 } }] }, ["east"]],
  ])("filters by %s", async (_, filter, expected) => {
    expect(await found({ filter: filter as Metadata })).toEqual(expected);
  });

  it.each<[string, object]>([
    ["an operator that is not known", { version: { $regex: "a" } }],
    ["a key that cannot be filtered by", { source: "s" }],
    ["an empty list", { version: { $in: [] } }],
  ])("is refused for %s", async (_, filter) => {
    await expect(found({ filter: filter as Metadata })).rejects.toThrow(
      expect.objectContaining({ name: "ValidationException" }),
    );
  });

  it("is refused for more than 100 hits and for other dimensions", async () => {
    for (const options of [{ topK: 101 }, { queryVector: { float32: [1] } }])
      await expect(found(options)).rejects.toThrow(expect.objectContaining({ name: "ValidationException" }));
  });
});

describe("vectors", () => {
  it.each<[string, number[], Metadata]>([
    ["of zeros", [0, 0], {}],
    ["of other dimensions", [1, 0, 0], {}],
    ["with more to filter by than 2 KB", [1, 0], { version: "v".repeat(2049) }],
    ["with an empty list", [1, 0], { tags: [] }],
  ])("%s are refused", async (_, floats, metadata) => {
    await expect(put("k", floats, metadata)).rejects.toThrow(
      expect.objectContaining({ name: "ValidationException" }),
    );
    expect(await found()).toEqual([]);
  });

  it("of much that is not filtered by are taken, replaced and deleted", async () => {
    await put("k", [1, 0], { source: "s".repeat(30_000) });
    await put("k", [0, 1]);
    expect(await found()).toEqual(["k"]);
    await root.send(new DeleteVectorsCommand({ indexArn, keys: ["k", "never"] }));
    expect(await found()).toEqual([]);
  });

  it("of no index are not found, and an index of no bucket is not made; a second one of its name conflicts", async () => {
    const missing = expect.objectContaining({ name: "NotFoundException" });
    await expect(found({ indexArn: `${BUCKET}/index/other` })).rejects.toThrow(missing);
    await expect(root.send(create("acme.x", `${BUCKET}-none`))).rejects.toThrow(missing);
    await expect(root.send(create(`acme.${number}`))).rejects.toThrow(
      expect.objectContaining({ name: "ConflictException" }),
    );
  });
});

it("lets a role see vectors of its tenant's indexes only, and metadata only with GetVectors", async () => {
  const denied = expect.objectContaining({ name: "AccessDeniedException" });
  const policy = allow(["s3vectors:QueryVectors"], `${BUCKET}/index/acme.*`);
  const app = clientOf(aws.registerPrincipal({ roleName: "app", policies: [policy] }));
  await put("k", [1, 0]);
  expect((await app.send(query())).vectors).toHaveLength(1);
  await expect(app.send(query({ returnMetadata: true }))).rejects.toThrow(denied);
  await expect(app.send(query({ indexArn: `${BUCKET}/index/acme-2.1` }))).rejects.toThrow(denied);
  app.destroy();
});
