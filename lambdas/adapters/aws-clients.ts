import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { S3VectorsClient } from "@aws-sdk/client-s3vectors";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SESv2Client } from "@aws-sdk/client-sesv2";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { translateFailures } from "./aws-failures.ts";

/** What the clients read of the environment; Lambda sets the region, the local stack the endpoint too. */
export type AwsEnvironment = {
  readonly AWS_REGION?: string;
  readonly AWS_ENDPOINT_URL?: string;
  /** For a caller that is not the process's own identity; without it, the SDK's usual sources. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
};

/** As many requests at once as any function makes; connections are kept for the next invocation. */
const AGENT = { keepAlive: true, maxSockets: 64 };

/** Milliseconds. A request that nobody answers must fail well before the function's own timeout, and be retried. */
const CONNECTION_TIMEOUT = 3_000;
const REQUEST_TIMEOUT = 30_000;

function settings(environment: AwsEnvironment) {
  return {
    ...(environment.AWS_REGION && { region: environment.AWS_REGION }),
    ...(environment.AWS_ENDPOINT_URL && { endpoint: environment.AWS_ENDPOINT_URL }),
    ...(environment.credentials && { credentials: environment.credentials }),
    retryMode: "standard",
    maxAttempts: 5,
    requestHandler: {
      httpAgent: AGENT,
      httpsAgent: AGENT,
      connectionTimeout: CONNECTION_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      throwOnRequestTimeout: true,
    },
  };
}

const TRANSLATION = { step: "initialize", name: "translateFailures" } as const;

export function s3Client(environment: AwsEnvironment = process.env): S3Client {
  // An endpoint of our own has no host names per bucket.
  const forcePathStyle = environment.AWS_ENDPOINT_URL !== undefined;
  const client = new S3Client({ ...settings(environment), forcePathStyle });
  client.middlewareStack.add(translateFailures, TRANSLATION);
  return client;
}

export function s3VectorsClient(environment: AwsEnvironment = process.env): S3VectorsClient {
  const client = new S3VectorsClient(settings(environment));
  client.middlewareStack.add(translateFailures, TRANSLATION);
  return client;
}

export function sqsClient(environment: AwsEnvironment = process.env): SQSClient {
  // Otherwise calls go to the queue URL's host, past an endpoint of our own.
  const client = new SQSClient({ ...settings(environment), useQueueUrlAsEndpoint: false });
  client.middlewareStack.add(translateFailures, TRANSLATION);
  return client;
}

/** One try for each call: SES knows no repeated message from a second one. */
export function sesClient(environment: AwsEnvironment = process.env): SESv2Client {
  return new SESv2Client({ ...settings(environment), maxAttempts: 1 });
}

export function documentClient(environment: AwsEnvironment = process.env): DynamoDBDocumentClient {
  const client = new DynamoDBClient(settings(environment));
  client.middlewareStack.add(translateFailures, TRANSLATION);
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

export function secretsClient(environment: AwsEnvironment = process.env): SecretsManagerClient {
  const client = new SecretsManagerClient(settings(environment));
  client.middlewareStack.add(translateFailures, TRANSLATION);
  return client;
}

export function sfnClient(environment: AwsEnvironment = process.env): SFNClient {
  const client = new SFNClient(settings(environment));
  client.middlewareStack.add(translateFailures, TRANSLATION);
  return client;
}
