import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { MissingRecordError } from "../lambdas/domain/failures.ts";

/** Seconds. Results wait as long as SQS keeps anything; a reader has a while before a message is given out again. */
const ATTRIBUTES = {
  SqsManagedSseEnabled: "true",
  MessageRetentionPeriod: String(14 * 86_400),
  VisibilityTimeout: "300",
  ReceiveMessageWaitTimeSeconds: "20",
};

/**
 * The URL of a tenant's own results queue: encrypted, over TLS only, kept 14 days. Makes the queue if there is none; one
 * that is there keeps what its operator set, but for a missing policy: a run before may have ended in between.
 */
export async function ensureResultsQueue(sqs: SQSClient, name: string): Promise<string> {
  const url = (await findQueue(sqs, name)) ?? (await createQueue(sqs, name));
  const { Attributes: standing } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn", "Policy"] }),
  );
  if (standing?.Policy) return url;
  if (standing?.QueueArn === undefined) throw new MissingRecordError(`queue ${name} has no ARN`);
  await sqs.send(
    new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy: tlsOnly(standing.QueueArn) } }),
  );
  return url;
}

async function findQueue(sqs: SQSClient, name: string): Promise<string | undefined> {
  try {
    return (await sqs.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl;
  } catch (error) {
    if (error instanceof QueueDoesNotExist) return undefined;
    throw error;
  }
}

async function createQueue(sqs: SQSClient, name: string): Promise<string> {
  const { QueueUrl: url } = await sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: ATTRIBUTES }),
  );
  if (url === undefined) throw new MissingRecordError(`queue ${name} was made without a URL`);
  return url;
}

function tlsOnly(arn: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "TlsOnly",
        Effect: "Deny",
        Principal: { AWS: "*" },
        Action: "sqs:*",
        Resource: arn,
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
}
