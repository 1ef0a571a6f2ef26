import { S3Client } from "@aws-sdk/client-s3";
import { S3VectorsClient } from "@aws-sdk/client-s3vectors";
import { KnowledgeIndex } from "../../client/index.ts";
import type { LocalGateway } from "../../local/gateway/local-gateway.ts";

/** The index of a tenant, as an app opens it that has the rights which docs/workloads/re-index.md names for `role`. */
export function knowledgeOf({ aws, outputs }: LocalGateway, tenantId: string, role = tenantId) {
  const bucket = outputs["GatewayBucketName"] ?? "";
  const bucketArn = outputs["VectorBucketArn"] ?? "";
  const files = `workloads/re-index/tenant=${role}/*`;
  const statements = [
    { Action: "s3:GetObject", Resource: `arn:aws:s3:::${bucket}/${files}` },
    {
      Action: "s3:ListBucket",
      Resource: `arn:aws:s3:::${bucket}`,
      Condition: { StringLike: { "s3:prefix": [files] } },
    },
    { Action: ["s3vectors:QueryVectors", "s3vectors:GetVectors"], Resource: `${bucketArn}/index/${role}.*` },
  ];
  const Statement = statements.map((statement) => ({ Effect: "Allow" as const, ...statement }));
  const credentials = aws.registerPrincipal({
    roleName: `app-of-${role}-at-${tenantId}`,
    policies: [{ Version: "2012-10-17", Statement }],
  });
  const { endpoint, region } = aws;
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const client = new S3VectorsClient({ endpoint, region, credentials });
  return {
    index: new KnowledgeIndex({ s3, bucket, tenantId, vectors: { client, bucketArn } }),
    destroy: () => {
      s3.destroy();
      client.destroy();
    },
  };
}
