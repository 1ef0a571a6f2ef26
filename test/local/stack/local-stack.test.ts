import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from "@aws-sdk/client-sfn";
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { CfnResource } from "aws-cdk-lib";
import type { Stack } from "aws-cdk-lib";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import { describe, expect, onTestFinished, test } from "vitest";
import { type LocalAws, startLocalAws } from "../../../local/aws/local-aws.ts";
import { type LocalStack, startStack, type StackOptions } from "../../../local/stack/local-stack.ts";
import { synthesizeSample } from "./sample-stack.ts";

async function start(
  change?: (stack: Stack) => void,
  more: Partial<StackOptions> = {},
): Promise<{ aws: LocalAws; stack: LocalStack; folder: string }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "offpeak-stack-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const assembly = synthesizeSample(folder, change);
  const aws = await startLocalAws();
  onTestFinished(() => aws.close());
  const stack = await startStack({
    assembly,
    stackName: "Sample",
    aws,
    speed: 100,
    workFolder: folder,
    secrets: { Key: "s3cret" },
    environment: { "*": { STAGE: "all" }, Answerer: { STAGE: "local" } },
    ...more,
  });
  onTestFinished(() => stack.stop());
  return { aws, stack, folder };
}

function withoutSchedule(stack: Stack): void {
  for (const construct of stack.node.findAll())
    if (construct instanceof CfnSchedule) construct.state = "DISABLED";
}

function config(aws: LocalAws) {
  return {
    endpoint: aws.endpoint,
    region: aws.region,
    credentials: { accessKeyId: "me", secretAccessKey: "me" },
  };
}

async function send(aws: LocalAws, stack: LocalStack, body: unknown): Promise<void> {
  const QueueUrl = stack.outputs["JobsQueueUrl"];
  await new SQSClient(config(aws)).send(
    new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body) }),
  );
}

async function answer(aws: LocalAws, stack: LocalStack): Promise<unknown> {
  const QueueUrl = stack.outputs["AnswersQueueUrl"];
  const command = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 0, MaxNumberOfMessages: 10 });
  const { Messages = [] } = await new SQSClient(config(aws)).send(command);
  return Messages.map(({ Body = "" }): unknown => JSON.parse(Body));
}

describe("a synthesized stack", () => {
  test("takes a message through functions and machines to a queue, within its roles", async () => {
    // Its schedule would send a message of its own where this machine is slow.
    const { aws, stack, folder } = await start(withoutSchedule);
    await send(aws, stack, { value: 7 });
    await stack.quiesce();

    expect(await answer(aws, stack)).toEqual([
      { value: 7, secret: "s3cret", denied: "AccessDeniedException", stage: "local" },
    ]);
    const dynamodb = new DynamoDBClient(config(aws));
    const { Items } = await dynamodb.send(new ScanCommand({ TableName: stack.outputs["TableName"] }));
    expect(Items).toEqual([{ pk: { S: "7" } }]);

    const [execution] = stack.stateMachine("Inner").executions;
    expect(execution?.ended).toEqual({ status: "SUCCEEDED", output: { sent: 7 } });
    expect(stack.stateMachine("Inner").transitions).toBe(2);
    expect(stack.stateMachine("Outer").transitions).toBe(1);
    expect(stack.peakBytes().get(stack.functionName("Answerer"))).toBeGreaterThan(1e6);
    await stack.stop();
    const log = readFileSync(path.join(folder, "logs", `${stack.functionName("Starter")}.log`), "utf8");
    expect(log).toContain('starting for {"value":7}');
  });

  test("answers Step Functions' API, with functions' errors by their own names", async () => {
    const { aws, stack } = await start();
    const inner = stack.stateMachine("Inner");
    const execution = inner.startExecution({ name: "asked", input: { fail: true } });
    await execution.result;
    const states = new SFNClient(config(aws));
    const described = await states.send(new DescribeExecutionCommand({ executionArn: execution.arn }));
    expect(described).toMatchObject({ name: "asked", status: "SUCCEEDED", output: '{"error":"AskedError"}' });
    expect(described.stopDate).toBeInstanceOf(Date);
    const listed = await states.send(
      new ListExecutionsCommand({ stateMachineArn: inner.arn, statusFilter: "FAILED" }),
    );
    expect(listed.executions).toEqual([]);
    const missing = states.send(new DescribeExecutionCommand({ executionArn: `${execution.arn}x` }));
    await expect(missing).rejects.toMatchObject({ name: "ExecutionDoesNotExist" });
  });

  test("runs its schedule at the given speed", async () => {
    const { stack } = await start(undefined, { speed: 3000 });
    const { promise, resolve } = Promise.withResolvers<void>();
    const poll = setInterval(() => {
      if (stack.stateMachine("Outer").executions.length > 1) resolve();
    }, 10);
    onTestFinished(() => clearInterval(poll));
    await promise;
    const values = stack
      .stateMachine("Outer")
      .executions.map(({ input }) => (input as { value: string }).value);
    expect(new Set(values).size).toBe(values.length);
    expect(values[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test("a machine may call only what its role lets it", async () => {
    const { stack } = await start((sample) => {
      const policy = sample.node.findChild("Outer").node.findChild("Role").node.findChild("DefaultPolicy");
      const resource = policy.node.defaultChild as CfnResource;
      resource.addPropertyOverride("PolicyDocument.Statement.0.Action", "states:DescribeExecution");
    });
    const result = await stack.stateMachine("Outer").startExecution({ input: {} }).result;
    expect(result).toMatchObject({ status: "FAILED", error: "States.Permissions" });
  });

  test("stop ends executions in the middle of a wait", async () => {
    const { stack } = await start(undefined, { speed: 1 });
    const execution = stack.stateMachine("Inner").startExecution({ input: { value: 1 } });
    await stack.stop();
    expect(await execution.result).toMatchObject({ status: "ABORTED" });
  });

  test("does not start with a resource that it does not know, and names it", async () => {
    const started = start((sample) => void new CfnResource(sample, "Odd", { type: "AWS::Kinesis::Stream" }));
    await expect(started).rejects.toThrow("AWS::Kinesis::Stream (Odd)");
  });
});
