import { afterEach, expect, test, vi } from "vitest";
import { anthropicClient, openAiClient } from "../../../../lambdas/adapters/providers/provider-clients.ts";
import { startStub } from "./stub-server.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

test("clients take nothing from the environment but what they are given", async () => {
  const { origin, received } = await startStub({ status: 200, body: "{}" });
  vi.stubEnv("OPENAI_BASE_URL", "http://127.0.0.1:9/wrong");
  vi.stubEnv("OPENAI_API_KEY", "wrong");
  vi.stubEnv("OPENAI_ORG_ID", "wrong");
  vi.stubEnv("OPENAI_PROJECT_ID", "wrong");
  vi.stubEnv("OPENAI_LOG", "debug");
  vi.stubEnv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9/wrong");
  vi.stubEnv("ANTHROPIC_API_KEY", "wrong");
  vi.stubEnv("ANTHROPIC_AUTH_TOKEN", "wrong");
  vi.stubEnv("ANTHROPIC_LOG", "debug");
  const debug = vi.spyOn(console, "debug");
  await openAiClient({ apiKey: "sk-1", baseUrl: `${origin}/v1` }).post("/x", { body: { prompt: "secret" } });
  await anthropicClient({ apiKey: "sk-2", baseUrl: origin }).post("/v1/x", { body: { prompt: "secret" } });
  expect(JSON.stringify(received.map(({ headers }) => headers))).not.toContain("wrong");
  expect(received.map(({ url }) => url)).toEqual(["/v1/x", "/v1/x"]);
  expect(debug).not.toHaveBeenCalled();
  expect(openAiClient({ apiKey: "sk-1" }).baseURL).toBe("https://api.openai.com/v1");
  expect(anthropicClient({ apiKey: "sk-2" }).baseURL).toBe("https://api.anthropic.com");
});

test("a key that is rotated is taken up by the next call", async () => {
  const { origin, received } = await startStub({ status: 200, body: "{}" });
  const keys = ["first", "second", "first", "second"];
  const apiKey = async () => keys.shift() ?? "none";
  for (const client of [
    openAiClient({ apiKey, baseUrl: origin }),
    anthropicClient({ apiKey, baseUrl: origin }),
  ]) {
    await client.post("/x", { body: {} });
    await client.post("/x", { body: {} });
  }
  const sent = received.map(({ headers }) => headers.authorization ?? headers["x-api-key"]);
  expect(sent.map((key) => String(key).replace("Bearer ", ""))).toEqual([
    "first",
    "second",
    "first",
    "second",
  ]);
});

test("a call that does not ask for it is not repeated", async () => {
  const { origin, received } = await startStub({ status: 500, body: "{}" });
  for (const client of [
    openAiClient({ apiKey: "k", baseUrl: origin }),
    anthropicClient({ apiKey: "k", baseUrl: origin }),
  ]) {
    await expect(client.post("/x", { body: {} })).rejects.toThrow();
  }
  expect(received).toHaveLength(2);
});
