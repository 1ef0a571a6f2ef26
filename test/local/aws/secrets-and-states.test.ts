import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
} from "@aws-sdk/client-secrets-manager";
import { DescribeExecutionCommand, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AwsError } from "../../../local/aws/aws-error.ts";
import { startLocalAws } from "../../../local/aws/local-aws.ts";
import type { LocalAws } from "../../../local/aws/local-aws.ts";
import { allow, clientsOf, roleClients } from "./clients.ts";
import type { Clients } from "./clients.ts";

const MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:RunBatch";
const EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:RunBatch:b-1";

describe("Secrets Manager and Step Functions", () => {
  let aws: LocalAws;
  let root: Clients;

  beforeAll(async () => {
    aws = await startLocalAws();
    root = clientsOf(aws);
  });
  afterAll(async () => {
    root.destroy();
    await aws.close();
  });

  it("keeps a secret by name and by ARN", async () => {
    const arn = aws.secrets.put("offpeak/openai-key", "sk-1");
    expect(arn).toMatch(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:offpeak\/openai-key-\w{6}$/);
    for (const SecretId of [arn, "offpeak/openai-key"]) {
      const { SecretString } = await root.secrets.send(new GetSecretValueCommand({ SecretId }));
      expect(SecretString).toBe("sk-1");
    }
    await root.secrets.send(new PutSecretValueCommand({ SecretId: arn, SecretString: "sk-2" }));
    expect(aws.secrets.put("offpeak/openai-key", "sk-3")).toBe(arn);
    const { SecretString } = await root.secrets.send(new GetSecretValueCommand({ SecretId: arn }));
    expect(SecretString).toBe("sk-3");
  });

  it("creates a secret without a value, and refuses a second of its name", async () => {
    const create = new CreateSecretCommand({ Name: "empty-yet" });
    await root.secrets.send(create);
    await expect(root.secrets.send(create)).rejects.toMatchObject({ name: "ResourceExistsException" });
    const described = await root.secrets.send(new DescribeSecretCommand({ SecretId: "empty-yet" }));
    expect(described.VersionIdsToStages).toEqual({});
    for (const SecretId of ["empty-yet", "none"])
      await expect(root.secrets.send(new GetSecretValueCommand({ SecretId }))).rejects.toMatchObject({
        name: "ResourceNotFoundException",
      });
  });

  it("lets a role read only the secret that it may", async () => {
    const arn = aws.secrets.put("mine", "1");
    aws.secrets.put("theirs", "2");
    const role = roleClients(
      aws,
      "submit-batch",
      allow("secretsmanager:GetSecretValue", arn.replace(/.{6}$/, "??????")),
    );
    await expect(role.secrets.send(new GetSecretValueCommand({ SecretId: "mine" }))).resolves.toBeDefined();
    await expect(role.secrets.send(new GetSecretValueCommand({ SecretId: "theirs" }))).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
    role.destroy();
  });

  it("hands Step Functions calls to the handler, dates and errors in the wire's form", async () => {
    const start = new StartExecutionCommand({ stateMachineArn: MACHINE, name: "b-1", input: "{}" });
    await expect(root.states.send(start)).rejects.toMatchObject({ name: "UnsupportedOperation" });
    const startDate = new Date("2026-11-21T12:00:00Z");
    aws.onStates((action, input) => {
      if (action === "StartExecution") return Promise.resolve({ executionArn: EXECUTION, startDate, input });
      return Promise.reject(new AwsError("ExecutionDoesNotExist", "no such execution"));
    });
    expect(await root.states.send(start)).toMatchObject({ executionArn: EXECUTION, startDate });
    await expect(
      root.states.send(new DescribeExecutionCommand({ executionArn: EXECUTION })),
    ).rejects.toMatchObject({ name: "ExecutionDoesNotExist", message: "no such execution" });
  });

  it("checks the state machine that a role may start", async () => {
    aws.onStates(() => Promise.resolve({ executionArn: EXECUTION, startDate: new Date(0) }));
    const role = roleClients(aws, "start-batches", allow("states:StartExecution", MACHINE));
    await expect(
      role.states.send(new StartExecutionCommand({ stateMachineArn: MACHINE })),
    ).resolves.toMatchObject({ executionArn: EXECUTION });
    await expect(
      role.states.send(new StartExecutionCommand({ stateMachineArn: `${MACHINE}2` })),
    ).rejects.toMatchObject({ name: "AccessDeniedException" });
    expect(aws.denials.at(-1)).toEqual({
      action: "states:StartExecution",
      resource: `${MACHINE}2`,
      roleName: "start-batches",
    });
    role.destroy();
  });
});
