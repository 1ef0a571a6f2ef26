import { randomUUID } from "node:crypto";
import type { Answer } from "./answer.ts";

/** An error that is answered to the caller under `name`, as the service would. `status` is the HTTP status. */
export class AwsError extends Error {
  readonly status: number;

  constructor(name: string, message: string, status = 400) {
    super(message);
    this.name = name;
    this.status = status;
  }
}

interface ErrorCode {
  readonly name: string;
  readonly status: number;
}

/** How a service words its errors. */
export interface ErrorStyle {
  readonly format: "json" | "xml";
  readonly accessDenied: ErrorCode;
  readonly throttled: ErrorCode;
  readonly internal: ErrorCode;
}

const JSON_ACCESS_DENIED = { name: "AccessDeniedException", status: 400 };

export const ERROR_STYLES = {
  sqs: {
    format: "json",
    accessDenied: { name: "AccessDenied", status: 403 },
    throttled: { name: "RequestThrottled", status: 400 },
    internal: { name: "InternalError", status: 500 },
  },
  s3: {
    format: "xml",
    accessDenied: { name: "AccessDenied", status: 403 },
    throttled: { name: "SlowDown", status: 503 },
    internal: { name: "InternalError", status: 500 },
  },
  dynamodb: {
    format: "json",
    accessDenied: JSON_ACCESS_DENIED,
    throttled: { name: "ProvisionedThroughputExceededException", status: 400 },
    internal: { name: "InternalServerError", status: 500 },
  },
  secretsmanager: {
    format: "json",
    accessDenied: JSON_ACCESS_DENIED,
    throttled: { name: "ThrottlingException", status: 400 },
    internal: { name: "InternalServiceError", status: 500 },
  },
  ses: {
    format: "json",
    accessDenied: { name: "AccessDeniedException", status: 403 },
    throttled: { name: "TooManyRequestsException", status: 429 },
    internal: { name: "InternalServiceErrorException", status: 500 },
  },
  s3vectors: {
    format: "json",
    accessDenied: { name: "AccessDeniedException", status: 403 },
    throttled: { name: "TooManyRequestsException", status: 429 },
    internal: { name: "InternalServerException", status: 500 },
  },
  states: {
    format: "json",
    accessDenied: JSON_ACCESS_DENIED,
    throttled: { name: "ThrottlingException", status: 400 },
    internal: { name: "InternalServerException", status: 500 },
  },
} as const satisfies Record<string, ErrorStyle>;

/** The error in the wire format of the service, so that its SDK client raises it under its own name. */
export function errorAnswer(error: AwsError, format: ErrorStyle["format"]): Answer {
  if (format === "xml") {
    return {
      status: error.status,
      headers: { "content-type": "application/xml" },
      body:
        `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${escapeXml(error.name)}</Code>` +
        `<Message>${escapeXml(error.message)}</Message><RequestId>${randomUUID()}</RequestId></Error>`,
    };
  }
  return {
    status: error.status,
    // The second header is how SQS tells its clients the code that the older query protocol had.
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amzn-requestid": randomUUID(),
      "x-amzn-query-error": `${error.name};${error.status < 500 ? "Sender" : "Receiver"}`,
    },
    body: JSON.stringify({ __type: error.name, message: error.message }),
  };
}

const XML_ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => XML_ENTITIES[character] ?? character);
}
