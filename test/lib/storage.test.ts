import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { PREFIXES } from "../../lambdas/domain/object-keys.ts";
import { templateOf } from "./stage-template.ts";

const template = templateOf();

describe("tables", () => {
  test("are all on demand, recoverable, protected, kept, and without secondary indexes", () => {
    template.allResources("AWS::DynamoDB::Table", {
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        BillingMode: "PAY_PER_REQUEST",
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        GlobalSecondaryIndexes: Match.absent(),
        LocalSecondaryIndexes: Match.absent(),
      },
    });
    template.resourceCountIs("AWS::DynamoDB::Table", 4);
  });

  test("three expire what is over", () => {
    const expiring = template.findResources("AWS::DynamoDB::Table", {
      Properties: { TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true } },
    });
    expect(Object.keys(expiring).map((id) => id.slice(0, -8))).toEqual([
      "StorageJobMap",
      "StorageTenants",
      "StorageBatches",
    ]);
  });

  test("the job map has one key, the others two", () => {
    const keys = Object.entries(template.findResources("AWS::DynamoDB::Table")).map(([id, table]) => [
      id.slice(0, -8),
      table["Properties"].KeySchema.map(
        ({ AttributeName }: { AttributeName: string }) => AttributeName,
      ).join(),
    ]);
    expect(Object.fromEntries(keys)).toEqual({
      StorageJobMap: "pk",
      StorageTenantLedger: "pk,sk",
      StorageTenants: "pk,sk",
      StorageBatches: "pk,sk",
    });
  });
});

describe("the bucket", () => {
  test("is private, encrypted and kept", () => {
    template.hasResource("AWS::S3::Bucket", {
      DeletionPolicy: "Retain",
      Properties: {
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      },
    });
  });

  test("refuses requests without TLS", () => {
    template.hasResourceProperties("AWS::S3::BucketPolicy", {
      PolicyDocument: {
        Statement: [
          Match.objectLike({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }),
        ],
      },
    });
  });

  test("every prefix expires, and unfinished uploads after a day", () => {
    const settings = { retention: { segmentsDays: 40, resultsDays: 100 } };
    const [bucket] = Object.values(templateOf(settings).findResources("AWS::S3::Bucket"));
    const rules: { Prefix?: string; ExpirationInDays?: number; AbortIncompleteMultipartUpload?: object }[] =
      bucket?.["Properties"].LifecycleConfiguration.Rules;
    const days = Object.fromEntries(rules.map(({ Prefix, ExpirationInDays }) => [Prefix, ExpirationInDays]));
    expect(days).toMatchObject({
      "segments/": 40,
      "results/": 100,
      "uploads/": 14,
      "dead-letters/": 14,
      "workloads/lead-scoring/": 90,
    });
    const covered = (prefix: string) => rules.some((rule) => rule.Prefix && prefix.startsWith(rule.Prefix));
    expect(Object.values(PREFIXES).filter((prefix) => !covered(prefix))).toEqual([
      PREFIXES.knowledge,
      PREFIXES.workloads,
    ]);
    expect(rules).toContainEqual(
      expect.objectContaining({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }),
    );
  });
});

describe("secrets", () => {
  test("one per provider, generated and kept; no value in the template", () => {
    template.allResources("AWS::SecretsManager::Secret", {
      DeletionPolicy: "Retain",
      Properties: { GenerateSecretString: Match.anyValue(), SecretString: Match.absent() },
    });
    for (const provider of ["openai", "anthropic"]) {
      template.hasResourceProperties("AWS::SecretsManager::Secret", { Name: `Offpeak/${provider}-api-key` });
    }
  });
});

test("a stage that is to be destroyed keeps nothing back", () => {
  const destroyed = templateOf({ removalPolicy: "destroy" });
  for (const type of ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"]) {
    destroyed.allResources(type, { DeletionPolicy: "Delete" });
  }
  destroyed.allResourcesProperties("AWS::DynamoDB::Table", { DeletionProtectionEnabled: false });
});
