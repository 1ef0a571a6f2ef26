import { CfnOutput, Stack } from "aws-cdk-lib";
import { CfnVectorBucket } from "aws-cdk-lib/aws-s3vectors";
import { Construct } from "constructs";
import type { Permission } from "../permissions.ts";
import type { StageSettings } from "../stage-settings.ts";
import { removalPolicyOf } from "../storage.ts";

const INDEXES =
  "Indexes are named after tenants and models, and made when the first document of one is there.";

/** Where tenants' chunks are searched by similarity, an index for each tenant and model. */
export class VectorBucket extends Construct {
  /** What functions are told that use it. */
  readonly environment: { readonly VECTOR_BUCKET_ARN: string };

  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id);
    const bucket = new CfnVectorBucket(this, "Vectors", {
      // With the keys of S3, as all that is stored; a vector bucket is never public.
      encryptionConfiguration: { sseType: "AES256" },
    });
    bucket.applyRemovalPolicy(removalPolicyOf(settings));
    const { attrVectorBucketArn: arn } = bucket;
    this.environment = { VECTOR_BUCKET_ARN: arn };
    // Tenants' apps search in it under this name.
    const output = new CfnOutput(Stack.of(this), "VectorBucketArn", { value: arn });
    output.overrideLogicalId("VectorBucketArn");
  }

  /** Making indexes, putting vectors and deleting them; none of it reads any. */
  write(): Permission {
    return {
      actions: ["s3vectors:CreateIndex", "s3vectors:PutVectors", "s3vectors:DeleteVectors"],
      resources: [`${this.environment.VECTOR_BUCKET_ARN}/index/*`],
      patternReason: INDEXES,
    };
  }
}
