import { CfnOutput, Stack } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import type { StageSettings } from "../stage-settings.ts";
import { removalPolicyOf } from "../storage.ts";

/** What workloads remember: one table for all of them, made when the first is built on it. */
export class WorkloadStorage extends Construct {
  readonly #settings: StageSettings;
  #table: Table | undefined;

  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id);
    this.#settings = settings;
  }

  get table(): Table {
    this.#table ??= this.#make();
    return this.#table;
  }

  #make(): Table {
    const table = new Table(this, "Workloads", {
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      timeToLiveAttribute: "expiresAt",
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: this.#settings.removalPolicy === "retain",
      removalPolicy: removalPolicyOf(this.#settings),
    });
    // The operator's tool reads it under this name.
    const output = new CfnOutput(Stack.of(this), "WorkloadsTableName", { value: table.tableName });
    output.overrideLogicalId("WorkloadsTableName");
    return table;
  }
}
