import { expect, test } from "vitest";
import { z } from "zod";
import { resolve, templateOf } from "./stage-template.ts";

const template = templateOf();

/** The URL of the queue of this logical id, without its hash. */
function url(id: string): unknown {
  return expect.stringMatching(new RegExp(`^https://sqs[^,]*/Queues${id}[0-9A-F]{8}$`));
}

test("the outputs are those of the interface, under exactly these names", () => {
  const outputs = z
    .record(z.string(), z.object({ Value: z.string() }))
    .parse(resolve(template, template.toJSON()["Outputs"]));
  const values = Object.fromEntries(Object.entries(outputs).map(([name, { Value }]) => [name, Value]));
  expect(values).toEqual({
    JobsCriticalQueueUrl: url("jobscritical"),
    JobsHighQueueUrl: url("jobshigh"),
    JobsNormalQueueUrl: url("jobsnormal"),
    JobsLowQueueUrl: url("jobslow"),
    RunsQueueUrl: url("runs"),
    DeliveriesQueueUrl: url("deliveries"),
    DeadLetterQueueUrls: expect.any(String),
    JobMapTableName: expect.stringMatching(/^StorageJobMap/),
    TenantLedgerTableName: expect.stringMatching(/^StorageTenantLedger/),
    TenantsTableName: expect.stringMatching(/^StorageTenants/),
    BatchesTableName: expect.stringMatching(/^StorageBatches/),
    GatewayBucketName: expect.stringMatching(/^StorageGatewayBucket/),
  });
  const dead = ["jobscritical", "jobshigh", "jobsnormal", "jobslow", "runs", "deliveries"];
  expect(values["DeadLetterQueueUrls"]?.split(",")).toEqual(dead.map((name) => url(`${name}dead`)));
});
