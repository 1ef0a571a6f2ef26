import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("leaves nothing open: a process that closed it ends by itself, long poll and all", async () => {
  const script = `
    import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
    import { startLocalAws } from ${JSON.stringify(new URL("../../../local/aws/local-aws.ts", import.meta.url).href)};
    const aws = await startLocalAws();
    const credentials = { accessKeyId: "a", secretAccessKey: "b" };
    const sqs = new SQSClient({ endpoint: aws.endpoint, region: aws.region, credentials, maxAttempts: 1 });
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "q" }));
    const polled = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 })).catch(() => "cut");
    while (aws.counts.get("sqs:ReceiveMessage") !== 1) await new Promise((next) => setImmediate(next));
    await aws.close();
    await polled;
    process.on("exit", () => console.log(JSON.stringify(process.getActiveResourcesInfo().filter((kind) => kind !== "PipeWrap"))));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: fileURLToPath(new URL("../../..", import.meta.url)),
    timeout: 15_000,
  });
  expect(stdout.trim()).toBe("[]");
});
