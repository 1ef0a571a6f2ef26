import { mkdirSync } from "node:fs";
import path from "node:path";
import { App, CfnOutput, Duration, Stack } from "aws-cdk-lib";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import * as s3 from "aws-cdk-lib/aws-s3";
import * as scheduler from "aws-cdk-lib/aws-scheduler";
import * as targets from "aws-cdk-lib/aws-scheduler-targets";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import * as sqs from "aws-cdk-lib/aws-sqs";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import * as tasks from "aws-cdk-lib/aws-stepfunctions-tasks";
import { buildSync } from "esbuild";

/** Starts one execution per message. */
const STARTER = `
  import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
  const client = new SFNClient({});
  export const handler = async ({ Records }) => {
    for (const { messageId, body } of Records) {
      console.log("starting for " + body);
      await client.send(new StartExecutionCommand({ stateMachineArn: process.env.MACHINE, name: messageId, input: body }));
    }
    return { batchItemFailures: [] };
  };`;

/** Keeps the value in table and bucket, reads the secret, and answers on the queue; what it may not do, it tells. */
const ANSWERER = `
  import { DynamoDBClient, PutItemCommand, DeleteItemCommand } from "@aws-sdk/client-dynamodb";
  import { S3Client, PutObjectCommand } from "@aws-sdk/client-s3";
  import { SecretsManagerClient, GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
  import { SQSClient, SendMessageCommand } from "@aws-sdk/client-sqs";
  const { TABLE, BUCKET, SECRET, QUEUE, STAGE } = process.env;
  const table = new DynamoDBClient({});
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  export const handler = async (event) => {
    if (event.fail) throw Object.assign(new Error("as asked"), { name: "AskedError" });
    const pk = { S: String(event.value) };
    await table.send(new PutItemCommand({ TableName: TABLE, Item: { pk } }));
    await new S3Client({}).send(new PutObjectCommand({ Bucket: BUCKET, Key: "answers/" + event.value, Body: "x" }));
    const { SecretString } = await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId: SECRET }));
    const denied = await table.send(new DeleteItemCommand({ TableName: TABLE, Key: { pk } })).catch((error) => error.name);
    const answer = { ...event, secret: SecretString, denied, stage: STAGE };
    await sqs.send(new SendMessageCommand({ QueueUrl: QUEUE, MessageBody: JSON.stringify(answer) }));
    return { sent: event.value };
  };`;

/** A stack with one of everything: message → function → machine → machine → function → queue. */
export function synthesizeSample(folder: string, change: (stack: Stack) => void = () => undefined): string {
  const app = new App({
    outdir: path.join(folder, "cdk.out"),
    context: { "aws:cdk:bundling-stacks": [] },
    builtinCloudFormationValidation: false,
  });
  const stack = new Stack(app, "Sample");
  const dead = new sqs.Queue(stack, "Dead");
  const jobs = new sqs.Queue(stack, "Jobs", {
    visibilityTimeout: Duration.minutes(2),
    deadLetterQueue: { queue: dead, maxReceiveCount: 2 },
    enforceSSL: true,
  });
  const answers = new sqs.Queue(stack, "Answers");
  const partitionKey = { name: "pk", type: dynamodb.AttributeType.STRING };
  const table = new dynamodb.TableV2(stack, "Table", { partitionKey, timeToLiveAttribute: "ttl" });
  const bucket = new s3.Bucket(stack, "Bucket", { enforceSSL: true });
  const secret = new secretsmanager.Secret(stack, "Key");

  const answerer = functionOf(stack, "Answerer", ANSWERER, folder, {
    TABLE: table.tableName,
    BUCKET: bucket.bucketName,
    SECRET: secret.secretArn,
    QUEUE: answers.queueUrl,
  });
  table.grant(answerer, "dynamodb:PutItem");
  bucket.grantPut(answerer, "answers/*");
  secret.grantRead(answerer);
  answers.grantSendMessages(answerer);

  const inner = machineOf(stack, "Inner", answerTask(stack, answerer));
  const outer = machineOf(stack, "Outer", startInner(stack, inner));
  const starter = functionOf(stack, "Starter", STARTER, folder, { MACHINE: outer.stateMachineArn });
  outer.grantStartExecution(starter);
  starter.addEventSource(new SqsEventSource(jobs, { batchSize: 10, reportBatchItemFailures: true }));
  void new scheduler.Schedule(stack, "Every", {
    schedule: scheduler.ScheduleExpression.rate(Duration.minutes(5)),
    target: new targets.StepFunctionsStartExecution(outer, {
      input: scheduler.ScheduleTargetInput.fromObject({ value: scheduler.ContextAttribute.scheduledTime }),
    }),
  });
  void new CfnOutput(stack, "JobsQueueUrl", { value: jobs.queueUrl });
  void new CfnOutput(stack, "AnswersQueueUrl", { value: answers.queueUrl });
  void new CfnOutput(stack, "TableName", { value: table.tableName });
  change(stack);
  return app.synth().directory;
}

function functionOf(
  stack: Stack,
  id: string,
  source: string,
  folder: string,
  environment: Record<string, string>,
): lambda.Function {
  const code = path.join(folder, id);
  mkdirSync(code);
  buildSync({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    outfile: path.join(code, "index.mjs"),
    bundle: true,
    format: "esm",
    platform: "node",
    mainFields: ["module", "main"],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  });
  return new lambda.Function(stack, id, {
    runtime: new lambda.Runtime("nodejs24.x", lambda.RuntimeFamily.NODEJS),
    handler: "index.handler",
    code: lambda.Code.fromAsset(code),
    environment,
    timeout: Duration.seconds(20),
    memorySize: 256,
  });
}

function machineOf(stack: Stack, id: string, start: sfn.IChainable): sfn.StateMachine {
  const definitionBody = sfn.DefinitionBody.fromChainable(start);
  return new sfn.StateMachine(stack, id, { queryLanguage: sfn.QueryLanguage.JSONATA, definitionBody });
}

function answerTask(stack: Stack, answerer: lambda.Function): sfn.IChainable {
  const wait = sfn.Wait.jsonata(stack, "Pause", { time: sfn.WaitTime.duration(Duration.seconds(60)) });
  const call = tasks.LambdaInvoke.jsonata(stack, "Answer", {
    lambdaFunction: answerer,
    payload: sfn.TaskInput.fromText("{% $states.input %}"),
    outputs: "{% $states.result.Payload %}",
  });
  const failed = sfn.Pass.jsonata(stack, "Failed", { outputs: { error: "{% $states.input.Error %}" } });
  call.addCatch(failed, { errors: ["AskedError"] });
  return wait.next(call);
}

function startInner(stack: Stack, inner: sfn.StateMachine): sfn.IChainable {
  return tasks.StepFunctionsStartExecution.jsonata(stack, "StartInner", {
    stateMachine: inner,
    name: "{% 'inner-' & $states.context.Execution.Name %}",
    input: sfn.TaskInput.fromText("{% $states.input %}"),
  });
}
