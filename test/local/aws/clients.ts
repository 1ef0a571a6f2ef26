import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { LocalAws, PolicyDocument } from "../../../local/aws/local-aws.ts";

export interface Clients {
  readonly sqs: SQSClient;
  readonly s3: S3Client;
  readonly dynamodb: DynamoDBClient;
  readonly secrets: SecretsManagerClient;
  readonly states: SFNClient;
  destroy(): void;
}

const ROOT = { accessKeyId: "anyone", secretAccessKey: "anything" };

/** The official clients with nothing set but endpoint, region and credentials; no retries, so that errors show. */
export function clientsOf(aws: LocalAws, credentials = ROOT): Clients {
  const config = { endpoint: aws.endpoint, region: aws.region, credentials, maxAttempts: 1 };
  const clients = {
    sqs: new SQSClient(config),
    s3: new S3Client(config),
    dynamodb: new DynamoDBClient(config),
    secrets: new SecretsManagerClient(config),
    states: new SFNClient(config),
  };
  return {
    ...clients,
    destroy: () => {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}

export function roleClients(aws: LocalAws, roleName: string, ...policies: PolicyDocument[]): Clients {
  return clientsOf(aws, aws.registerPrincipal({ roleName, policies }));
}

/** A policy with one statement that allows. */
export function allow(action: string | string[], resource: string | string[]): PolicyDocument {
  return {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: action, Resource: resource }],
  };
}
