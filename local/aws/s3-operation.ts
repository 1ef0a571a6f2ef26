import type { IncomingHttpHeaders } from "node:http";
import { bucketArn, objectArn } from "./account.ts";
import { AwsError } from "./aws-error.ts";
import type { Access } from "./permissions.ts";
import { access, unmapped } from "./service.ts";

/** An S3 request by its parts; `key` is decoded, and empty for requests on the bucket. */
export interface S3Request {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

export interface S3Operation {
  /** API operation, such as `UploadPart`. */
  readonly name: string;
  readonly accesses: readonly Access[];
}

// Query parameters that do not select another operation. Anything else (tagging, acl, versioning …) would be taken by
// the emulator for a plain read or write of the object, and so is refused.
const PLAIN_PARAMETERS = new Set([
  "continuation-token",
  "delete",
  "delimiter",
  "encoding-type",
  "fetch-owner",
  "list-type",
  "marker",
  "max-keys",
  "partNumber",
  "prefix",
  "start-after",
  "uploadId",
  "uploads",
  "x-id",
]);
const PLAIN_PREFIXES = ["x-amz-", "response-"];

/** Splits a path-style URL. Throws AwsError on a path that is not valid percent-encoding. */
export function s3RequestOf(method: string, url: string, headers: IncomingHttpHeaders): S3Request {
  const [path = "", search = ""] = splitAt(url.slice(1), "?");
  const [bucket, key = ""] = splitAt(path, "/");
  return {
    method,
    bucket: decode(bucket ?? ""),
    key: decode(key),
    query: new URLSearchParams(search),
    headers,
  };
}

/** The operation and the permissions that it needs. Throws AwsError for one that is not known here. */
export function s3OperationOf(request: S3Request): S3Operation {
  const unknown = [...request.query.keys()].find((name) => !isPlain(name));
  if (unknown !== undefined) throw unmapped(`s3: ${request.method} with ?${unknown}`);
  if (request.bucket === "") return listBuckets(request);
  return request.key === "" ? bucketOperation(request) : objectOperation(request);
}

/** The permission that decides whether a missing object is told as missing or as forbidden. */
export function listBucketAccess(bucket: string): Access {
  return access("s3:ListBucket", bucketArn(bucket));
}

/** The objects that a DeleteObjects request names. */
export function deleteObjectsAccesses(bucket: string, body: string): Access[] {
  return deletedKeys(body).map((key) => access("s3:DeleteObject", objectArn(bucket, key)));
}

/** The keys that the body of a DeleteObjects request names. */
export function deletedKeys(body: string): string[] {
  return [...body.matchAll(/<Key>([\s\S]*?)<\/Key>/g)].map(([, key = ""]) => unescapeXml(key));
}

function listBuckets({ method }: S3Request): S3Operation {
  if (method !== "GET") throw unmapped(`s3: ${method} /`);
  return { name: "ListBuckets", accesses: [access("s3:ListAllMyBuckets", "*")] };
}

function bucketOperation({ method, bucket, query }: S3Request): S3Operation {
  const on = (name: string, action: string): S3Operation => ({
    name,
    accesses: [access(action, bucketArn(bucket))],
  });
  switch (method) {
    case "GET":
      if (query.has("uploads")) throw unmapped("s3:ListMultipartUploads");
      return {
        name: query.get("list-type") === "2" ? "ListObjectsV2" : "ListObjects",
        accesses: [access("s3:ListBucket", bucketArn(bucket), listContext(query))],
      };
    case "HEAD":
      return on("HeadBucket", "s3:ListBucket");
    case "PUT":
      return on("CreateBucket", "s3:CreateBucket");
    case "DELETE":
      return on("DeleteBucket", "s3:DeleteBucket");
    case "POST":
      // Its keys are in the body: see deleteObjectsAccesses.
      if (query.has("delete")) return { name: "DeleteObjects", accesses: [] };
      throw unmapped("s3: POST on a bucket");
    default:
      throw unmapped(`s3: ${method} on a bucket`);
  }
}

function listContext(query: URLSearchParams): Record<string, readonly string[]> {
  return Object.fromEntries(
    ["prefix", "delimiter"].flatMap((name) => {
      const value = query.get(name);
      return value === null ? [] : [[`s3:${name}`, [value]] as const];
    }),
  );
}

function objectOperation({ method, bucket, key, query, headers }: S3Request): S3Operation {
  const on = (name: string, action: string): S3Operation => ({
    name,
    accesses: [access(action, objectArn(bucket, key))],
  });
  const isPartOfUpload = query.has("uploadId");
  switch (method) {
    case "GET":
      return isPartOfUpload
        ? on("ListParts", "s3:ListMultipartUploadParts")
        : on("GetObject", "s3:GetObject");
    case "HEAD":
      return on("HeadObject", "s3:GetObject");
    case "PUT":
      if (headers["x-amz-copy-source"] === undefined)
        return on(isPartOfUpload ? "UploadPart" : "PutObject", "s3:PutObject");
      // The emulator would store the empty body of the request as the part.
      if (isPartOfUpload) throw unmapped("s3:UploadPartCopy");
      return copyOperation(bucket, key, String(headers["x-amz-copy-source"]));
    case "POST":
      if (query.has("uploads")) return on("CreateMultipartUpload", "s3:PutObject");
      if (isPartOfUpload) return on("CompleteMultipartUpload", "s3:PutObject");
      throw unmapped("s3: POST on an object");
    case "DELETE":
      return isPartOfUpload
        ? on("AbortMultipartUpload", "s3:AbortMultipartUpload")
        : on("DeleteObject", "s3:DeleteObject");
    default:
      throw unmapped(`s3: ${method} on an object`);
  }
}

function copyOperation(bucket: string, key: string, source: string): S3Operation {
  const [sourceBucket = "", sourceKey = ""] = splitAt(decode(source).replace(/^\//, ""), "/");
  if (sourceKey.includes("?versionId=")) throw unmapped("s3:CopyObject of a version");
  return {
    name: "CopyObject",
    accesses: [
      access("s3:GetObject", objectArn(sourceBucket, sourceKey)),
      access("s3:PutObject", objectArn(bucket, key)),
    ],
  };
}

function isPlain(parameter: string): boolean {
  const name = parameter.toLowerCase();
  return PLAIN_PARAMETERS.has(parameter) || PLAIN_PREFIXES.some((prefix) => name.startsWith(prefix));
}

function splitAt(text: string, separator: string): [string] | [string, string] {
  const index = text.indexOf(separator);
  return index === -1 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsError("InvalidURI", "could not parse the specified URI");
  }
}

function unescapeXml(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
