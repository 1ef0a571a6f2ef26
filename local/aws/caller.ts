import type { IncomingMessage } from "node:http";

/** Who a request says it is from, and for which service, by its Signature Version 4 credential scope. */
export interface Caller {
  readonly accessKeyId: string;
  readonly service: string;
}

const SCOPE = /^([^/]+)\/\d{8}\/[^/]+\/([^/]+)\/aws4_request$/;

const SERVICE_BY_TARGET: Readonly<Record<string, string>> = {
  AmazonSQS: "sqs",
  DynamoDB_20120810: "dynamodb",
  AWSStepFunctions: "states",
  secretsmanager: "secretsmanager",
};

/**
 * Reads the credential from the Authorization header, or from the query of a presigned URL; null for an unsigned
 * request. The signature is not verified: the access key is believed, as suits one machine.
 */
export function callerOf(request: IncomingMessage): Caller | null {
  const header = request.headers.authorization;
  const credential =
    header === undefined ? presignedCredential(request.url ?? "/") : /Credential=([^,\s]+)/.exec(header)?.[1];
  const scope = SCOPE.exec(credential ?? "");
  if (scope === null) return null;
  const [, accessKeyId = "", service = ""] = scope;
  return { accessKeyId, service: targetService(request) ?? service };
}

function presignedCredential(url: string): string | null {
  const query = url.indexOf("?");
  return query === -1 ? null : new URLSearchParams(url.slice(query)).get("X-Amz-Credential");
}

function targetService(request: IncomingMessage): string | undefined {
  const target = request.headers["x-amz-target"];
  return typeof target === "string" ? SERVICE_BY_TARGET[target.split(".")[0] ?? ""] : undefined;
}
