import { describe, expect, test } from "vitest";
import { pascalCase } from "../../../local/gateway/local-gateway.ts";
import { providerTargets } from "../../../local/gateway/provider-targets.ts";

const simulator = {
  openaiBaseUrl: "http://127.0.0.1:1/openai/v1",
  anthropicBaseUrl: "http://127.0.0.1:1/anthropic",
};

describe("providerTargets", () => {
  test("a provider is simulated unless the environment names its address: a key alone spends no money", () => {
    expect(providerTargets({ OPENAI_API_KEY: "sk-real" }, simulator)).toEqual({
      openai: { baseUrl: simulator.openaiBaseUrl, apiKey: "simulated-key", simulated: true },
      anthropic: { baseUrl: simulator.anthropicBaseUrl, apiKey: "simulated-key", simulated: true },
    });
  });

  test("takes the address and the key that are given, for each provider by itself", () => {
    const environment = { OPENAI_BASE_URL: "http://127.0.0.1:9/v1", OPENAI_API_KEY: "k" };
    expect(providerTargets(environment, simulator)).toMatchObject({
      openai: { baseUrl: "http://127.0.0.1:9/v1", apiKey: "k", simulated: false },
      anthropic: { simulated: true },
    });
  });

  test("refuses an address that is none", () => {
    expect(() => providerTargets({ ANTHROPIC_BASE_URL: "somewhere" }, simulator)).toThrow(
      /ANTHROPIC_BASE_URL/,
    );
  });
});

test("outputs name tenants in PascalCase", () => {
  expect(["acme", "north-clinic", "a-1b"].map(pascalCase)).toEqual(["Acme", "NorthClinic", "A1b"]);
});
