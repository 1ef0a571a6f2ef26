import { Construct } from "constructs";
import { batchManifestKey, PREFIXES } from "../lambdas/domain/object-keys.ts";
import type { Env as ReconcileBatchesEnv } from "../lambdas/reconcile-batches/env.ts";
import { ANY_BATCH } from "./any-key.ts";
import { GatewayFunction } from "./gateway-function.ts";
import { readObjects, tellMissingObjects, useTable } from "./permissions.ts";
import type { StageParts } from "./stage-parts.ts";

/** What collecting leaves of a batch: the provider's lines and the plan of settling them. */
const COLLECTED = `${PREFIXES.batches}*/g*/*`;

/** Checks settled batches against the ledger and the job map. It may read, and change nothing. */
export class Reconciliation extends Construct {
  readonly reconcileBatches: GatewayFunction<ReconcileBatchesEnv>;

  constructor(scope: Construct, id: string, { stage, storage }: StageParts) {
    super(scope, id);
    const { bucket, batches, jobMap, tenantLedger } = storage;
    this.reconcileBatches = new GatewayFunction<ReconcileBatchesEnv>(this, "ReconcileBatches", {
      stage,
      environment: {
        GATEWAY_BUCKET: bucket.bucketName,
        BATCHES_TABLE: batches.tableName,
        JOB_MAP_TABLE: jobMap.tableName,
        TENANT_LEDGER_TABLE: tenantLedger.tableName,
      },
      permissions: [
        readObjects(bucket, batchManifestKey(ANY_BATCH), COLLECTED),
        // An object that is gone is a finding, not a fault of the permissions.
        tellMissingObjects(bucket),
        useTable(batches, "GetItem", "Query"),
        useTable(jobMap, "GetItem", "BatchGetItem"),
        useTable(tenantLedger, "Query"),
      ],
    });
  }
}
