import { type SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sfnClient } from "../../lambdas/adapters/aws-clients.ts";
import { MemoryExecutions } from "../../lambdas/adapters/memory-executions.ts";
import { SfnExecutions } from "../../lambdas/adapters/sfn-executions.ts";
import { RetryableError } from "../../lambdas/domain/failures.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import { cutOff, loseNextAnswer } from "./client-faults.ts";
import { describeExecutions, type StartedExecutions } from "./executions-contract.ts";
import { aPlan } from "./sample-records.ts";
import { startWaitingMachine, type WaitingMachine } from "./waiting-machine.ts";

let waiting: WaitingMachine;
const clients: SFNClient[] = [];
beforeAll(async () => {
  waiting = await startWaitingMachine();
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await waiting.stop();
});

type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };

function clientAs(credentials: Credentials): SFNClient {
  const { region, endpoint } = waiting.aws;
  const client = sfnClient({ AWS_REGION: region, AWS_ENDPOINT_URL: endpoint, credentials });
  clients.push(client);
  return client;
}

let batches = 0;
function newBatchId(): BatchId {
  return aPlan(++batches).batchId;
}

function inMemory(): StartedExecutions {
  const executions = new MemoryExecutions();
  return {
    executions,
    batchId: newBatchId(),
    end: async (batchId, generation) => executions.end(batchId, generation),
    started: async () => executions.names(),
  };
}

function inStepFunctions() {
  const { machine } = waiting;
  const client = clientAs({ accessKeyId: "local", secretAccessKey: "local" });
  const started = (batchId: BatchId) =>
    machine.executions.filter(({ name }) => name.startsWith(`${batchId}-`));
  const end = async (batchId: BatchId, generation: number) => {
    const { arn } = started(batchId).find(({ name }) => name === `${batchId}-${generation}`) ?? {};
    await client.send(new StopExecutionCommand({ executionArn: arn }));
  };
  return {
    client,
    batchId: newBatchId(),
    executions: new SfnExecutions(client, machine.arn),
    end,
    started: async (batchId: BatchId) => started(batchId).map(({ name }) => name),
  };
}

describeExecutions("memory", async () => inMemory());
describeExecutions("Step Functions", async () => inStepFunctions());

describe("executions in Step Functions", () => {
  it("get their batch and generation, in the words of the assembly", async () => {
    const { executions, batchId } = inStepFunctions();
    await executions.startRunBatch(batchId, 2);
    const execution = waiting.machine.executions.find(({ name }) => name === `${batchId}-2`);
    expect(execution?.input).toEqual({ batchId, generation: 2 });
  });

  it("that run on another input are left as they are", async () => {
    const { executions, batchId, started } = inStepFunctions();
    waiting.machine.startExecution({ name: `${batchId}-1`, input: { batchId } });
    await executions.startRunBatch(batchId, 1);
    expect(await executions.runBatchStatus(batchId, 1)).toBe("running");
    expect(await started(batchId)).toHaveLength(1);
  });

  it("are started once when the answer was lost", async () => {
    const { client, executions, batchId, started } = inStepFunctions();
    const calls = loseNextAnswer(client, "StartExecutionCommand");
    await executions.startRunBatch(batchId, 1);
    expect(calls()).toBe(2);
    expect(await started(batchId)).toHaveLength(1);
  });

  it("have ended, however they ended", async () => {
    const { executions, batchId } = inStepFunctions();
    const execution = waiting.machine.startExecution({ name: `${batchId}-1`, input: {} });
    execution.timeOut();
    await execution.result;
    expect(await executions.runBatchStatus(batchId, 1)).toBe("ended");
  });

  it("throw RetryableError when Step Functions is out of reach", async () => {
    const { client, executions, batchId } = inStepFunctions();
    for (const command of ["StartExecutionCommand", "DescribeExecutionCommand"]) cutOff(client, command);
    await expect(executions.startRunBatch(batchId, 1)).rejects.toBeInstanceOf(RetryableError);
    await expect(executions.runBatchStatus(batchId, 1)).rejects.toBeInstanceOf(RetryableError);
  });

  it("do not pass for not started where the machine or the permission is missing", async () => {
    const { client, batchId } = inStepFunctions();
    const elsewhere = new SfnExecutions(client, `${waiting.machine.arn}x`);
    await expect(elsewhere.startRunBatch(batchId, 1)).rejects.toMatchObject({
      name: "StateMachineDoesNotExist",
    });
    const refused = clientAs(waiting.aws.registerPrincipal({ roleName: "nobody", policies: [] }));
    const status = new SfnExecutions(refused, waiting.machine.arn).runBatchStatus(batchId, 1);
    await expect(status).rejects.toMatchObject({ name: "AccessDeniedException" });
  });
});
