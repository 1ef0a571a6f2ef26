import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { secretsClient } from "../../lambdas/adapters/aws-clients.ts";
import { SecretValues } from "../../lambdas/adapters/secret-values.ts";
import { RetryableError } from "../../lambdas/domain/failures.ts";
import { environmentAt } from "./emulators.ts";
import { race } from "./gather.ts";
import { NOON } from "./sample-records.ts";

const ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:openai";

/** A Secrets Manager whose secret is `value`, and which is out of order while that is undefined. */
const secret: { value: string | undefined; fetches: number } = { value: "sk-1", fetches: 0 };
let server: Server;
let client: ReturnType<typeof secretsClient>;

beforeAll(async () => {
  server = createServer((_request, response) => {
    secret.fetches += 1;
    response.statusCode = secret.value === undefined ? 500 : 200;
    response.setHeader("content-type", "application/x-amz-json-1.1");
    response.end(JSON.stringify({ ARN, SecretString: secret.value }));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  client = secretsClient(environmentAt(server));
});
afterAll(async () => {
  client.destroy();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
});
beforeEach(() => {
  Object.assign(secret, { value: "sk-1", fetches: 0 });
});

describe("secret values", () => {
  it("are fetched once in five minutes, however many ask", async () => {
    const clock = { now: NOON };
    const secrets = new SecretValues(client, () => clock.now);
    expect(await race(5, () => secrets.get(ARN))).toEqual(Array(5).fill("sk-1"));
    expect(secret.fetches).toBe(1);
    secret.value = "sk-2";
    clock.now += 5 * 60_000 - 1;
    expect(await secrets.get(ARN)).toBe("sk-1");
    clock.now += 1;
    expect(await secrets.get(ARN)).toBe("sk-2");
    expect(secret.fetches).toBe(2);
  });

  it("do not remember a failure", async () => {
    const secrets = new SecretValues(client, () => NOON);
    secret.value = undefined;
    await expect(secrets.get(ARN)).rejects.toBeInstanceOf(RetryableError);
    secret.value = "sk-3";
    expect(await secrets.get(ARN)).toBe("sk-3");
  });
});
