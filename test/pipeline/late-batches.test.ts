import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tenantsFileSchema } from "../../lambdas/domain/tenant-policy.ts";
import { type LocalGateway, startLocalGateway } from "../../local/gateway/local-gateway.ts";
import { assembleShared } from "../shared-assembly.ts";
import { jobMessage, request, Stranger } from "./stranger.ts";

// A provider whose batches take for ever. The local AWS checks every call against the synthesized roles.

let gateway: LocalGateway;
let stranger: Stranger;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "offpeak-late-batches-"));
  gateway = await startLocalGateway({
    // However slow the machine is: time only flies while no function runs.
    speed: 1,
    timeLapse: true,
    tenants: tenantsFileSchema.parse([{ tenantId: "acme" }]),
    simulator: { batchSeconds: 86_400, seed: "late-batches" },
    environment: {},
    log: () => undefined,
    workFolder: path.join(folder, "main"),
    assemble: assembleShared,
  });
  stranger = new Stranger(gateway.outputs);
}, 120_000);

afterAll(async () => {
  stranger?.close();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("jobs of a batch that is not done come back by another lane, and the batch is cancelled", async () => {
  const messages = ["one", "two"].map((idempotencyKey) =>
    // Not sold in flex: the synchronous lane is the only faster one.
    JSON.stringify(jobMessage({ idempotencyKey, request: request({ model: "gpt-4o-mini" }) })),
  );
  await stranger.send("JobsNormalQueueUrl", messages);
  const results = await stranger.results("Acme", 2);
  expect(results).toMatchObject(
    Array.from({ length: 2 }, () => ({ status: "succeeded", lane: "sync", attempts: 2 })),
  );
  await expect
    .poll(async () => (await gateway.simulator!.batches()).map(({ status }) => status), {
      timeout: 60_000,
      interval: 250,
    })
    .toEqual([expect.stringMatching(/^cancell/)]);
}, 120_000);
