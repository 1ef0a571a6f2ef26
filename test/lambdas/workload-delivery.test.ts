import { beforeEach, expect, test } from "vitest";
import type { WorkloadQueues } from "../../lambdas/domain/workloads.ts";
import { answerAll, completion, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const OWN = "https://sqs.test/acme";
const POST_CALL = "https://sqs.test/post-call-results";
const AGENT = "offpeak-post-call";

let gateway: MemoryGateway;
beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme", workloads: { postCall: { vertical: "salon", model: "m" } } });
  await gateway.addTenant({ tenantId: "other" });
});

/** Switches the workload on for the stage, both ways in which results go out. */
function stageHas(workloads: WorkloadQueues) {
  Object.assign(gateway, { workloads });
  Object.assign(gateway.straight, { workloads });
}

/** Agents of the results on a queue, in the order of their keys. */
function agentsOn(queueUrl: string) {
  return gateway.queues
    .take(queueUrl)
    .flatMap((body) => {
      const told = JSON.parse(body) as { agentId: string; results?: { agentId: string }[] };
      return told.results ?? [told];
    })
    .map(({ agentId }) => agentId)
    .toSorted();
}

async function batchOf(tenantId: string, agents: readonly string[]) {
  const messages = agents.map((agentId, number) =>
    gateway.message(jobMessage({ tenantId, agentId, idempotencyKey: `${agentId}-${number}` })),
  );
  await gateway.admit(messages);
  for (const batchId of await gateway.window()) await gateway.runBatch(batchId, answerAll);
  await gateway.results("nobody");
}

test("results of a workload's jobs go to the workload, the tenant's others to the tenant", async () => {
  stageHas({ postCall: POST_CALL });
  await batchOf("acme", [AGENT, "front-desk", AGENT]);
  expect(agentsOn(POST_CALL)).toEqual([AGENT, AGENT]);
  expect(agentsOn(OWN)).toEqual(["front-desk"]);
});

test("and so do those of its urgent jobs", async () => {
  stageHas({ postCall: POST_CALL });
  gateway.answer = () => ({ statusCode: 200, retryAfterMs: null, body: completion() });
  await gateway.runMessage(gateway.message(jobMessage({ tier: "high", agentId: AGENT }), "high"));
  expect(agentsOn(POST_CALL)).toEqual([AGENT]);
  expect(agentsOn(OWN)).toEqual([]);
});

test("a tenant that has the workload off gets all of its results, whatever it calls its agents", async () => {
  stageHas({ postCall: POST_CALL });
  await batchOf("other", [AGENT, "front-desk"]);
  expect(agentsOn(POST_CALL)).toEqual([]);
  expect(agentsOn("https://sqs.test/other")).toEqual(["front-desk", AGENT]);
});

test("where the stage has no such workload, the tenant gets them", async () => {
  stageHas({});
  await batchOf("acme", [AGENT]);
  expect(agentsOn(OWN)).toEqual([AGENT]);
});
