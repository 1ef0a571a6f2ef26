import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table } from "aws-cdk-lib/aws-dynamodb";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { LEADS_KEPT_DAYS } from "../lambdas/domain/lead-scoring/lead-records.ts";
import { LEAD_SCORING_PREFIX, PREFIXES } from "../lambdas/domain/object-keys.ts";
import type { StageSettings } from "./stage-settings.ts";

type TableKeys = { readonly sortKey: boolean; readonly expires: boolean };

/** Where everything is kept: four tables without secondary indexes, and one bucket. */
export class Storage extends Construct {
  readonly jobMap: Table;
  readonly tenantLedger: Table;
  readonly tenants: Table;
  readonly batches: Table;
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id);
    this.jobMap = this.#table("JobMap", settings, { sortKey: false, expires: true });
    this.tenantLedger = this.#table("TenantLedger", settings, { sortKey: true, expires: false });
    this.tenants = this.#table("Tenants", settings, { sortKey: true, expires: true });
    this.batches = this.#table("Batches", settings, { sortKey: true, expires: true });
    this.bucket = this.#gatewayBucket(settings);
  }

  #table(id: string, settings: StageSettings, { sortKey, expires }: TableKeys): Table {
    const retained = settings.removalPolicy === "retain";
    return new Table(this, id, {
      partitionKey: { name: "pk", type: AttributeType.STRING },
      ...(sortKey && { sortKey: { name: "sk", type: AttributeType.STRING } }),
      ...(expires && { timeToLiveAttribute: "expiresAt" }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: retained,
      removalPolicy: removalPolicyOf(settings),
    });
  }

  /**
   * SSE-S3 and not KMS: nothing to pay or to throttle per request, and uploads from other accounts work. Not versioned:
   * objects are written once under keys that say what they hold, and an old version would outlive the retention that
   * was promised for prompts and answers.
   */
  #gatewayBucket(settings: StageSettings): Bucket {
    const { retention } = settings;
    const bucket = new Bucket(this, "GatewayBucket", {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: removalPolicyOf(settings),
      lifecycleRules: [
        { id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(1) },
        expiry("uploads", PREFIXES.uploads, retention.uploadsDays),
        // Not `kb/` and `workloads/`: documents and their index are kept for as long as their tenant has them.
        expiry("inbox", PREFIXES.inbox, retention.inboxDays),
        expiry("lead-scoring", LEAD_SCORING_PREFIX, LEADS_KEPT_DAYS),
        expiry("segments", PREFIXES.segments, retention.segmentsDays),
        expiry("windows", PREFIXES.windows, retention.windowsDays),
        expiry("batches", PREFIXES.batches, retention.batchesDays),
        expiry("results", PREFIXES.results, retention.resultsDays),
        expiry("dead-letters", PREFIXES.deadLetters, retention.deadLettersDays),
      ],
    });
    Validations.of(bucket).acknowledge({
      id: "AwsSolutions-S1",
      reason:
        "Server access logs are best-effort and need a second bucket; only roles of this stack read the objects, and CloudTrail data events audit them where an account must.",
    });
    return bucket;
  }
}

function expiry(id: string, prefix: string, days: number) {
  return { id, prefix, expiration: Duration.days(days) };
}

/** The stage's removal policy for everything that holds what cannot be made again. */
export function removalPolicyOf(settings: StageSettings): RemovalPolicy {
  return settings.removalPolicy === "retain" ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
}
