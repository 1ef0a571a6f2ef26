import { documentClient, s3Client, sqsClient } from "../../lambdas/adapters/aws-clients.ts";
import { DynamoBatches } from "../../lambdas/adapters/dynamo-batches.ts";
import { DynamoLedger } from "../../lambdas/adapters/dynamo-ledger.ts";
import { DynamoTenants } from "../../lambdas/adapters/dynamo-tenants.ts";
import { S3ObjectStore } from "../../lambdas/adapters/s3-object-store.ts";
import { MissingRecordError } from "../../lambdas/domain/failures.ts";
import type { LocalAws } from "../aws/local-aws.ts";

/** The clients of the person who runs this machine's stack: the account's root user, as any unknown key is here. */
export function operatorClients(
  aws: Pick<LocalAws, "endpoint" | "region">,
  outputs: Readonly<Record<string, string>>,
) {
  const environment = {
    AWS_REGION: aws.region,
    AWS_ENDPOINT_URL: aws.endpoint,
    credentials: { accessKeyId: "local-operator", secretAccessKey: "local-operator" },
  };
  const [sqs, s3, dynamo] = [sqsClient(environment), s3Client(environment), documentClient(environment)];
  const output = (name: string): string => {
    const value = outputs[name];
    if (value === undefined) throw new MissingRecordError(`the stack has no output ${name}`);
    return value;
  };
  return {
    sqs,
    objects: new S3ObjectStore(s3, output("GatewayBucketName")),
    batches: new DynamoBatches(dynamo, output("BatchesTableName")),
    tenants: new DynamoTenants(dynamo, output("TenantsTableName")),
    ledger: new DynamoLedger(dynamo, output("TenantLedgerTableName")),
    destroy: () => {
      for (const client of [sqs, s3, dynamo]) client.destroy();
    },
  };
}
