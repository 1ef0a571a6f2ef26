import * as fc from "fast-check";
import { expect, test } from "vitest";
import { customIdOf, jobIdOf, tenantIdSchema } from "../../../lambdas/domain/ids.ts";
import { encodeRequestLine, requestLineBytes } from "../../../lambdas/domain/request-line.ts";

const jobId = jobIdOf("salt", tenantIdSchema.parse("acme"), "call-1");

test("an OpenAI line names method and url", () => {
  const line = encodeRequestLine("openai", "id-1", "/v1/embeddings", { model: "m", input: "x" });
  expect(line).toBe(
    '{"custom_id":"id-1","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":"x"}}\n',
  );
});

test("an Anthropic line holds the parameters", () => {
  const line = encodeRequestLine("anthropic", "id-1", "/v1/messages", { model: "m", max_tokens: 1 });
  expect(line).toBe('{"custom_id":"id-1","params":{"model":"m","max_tokens":1}}\n');
});

test("requestLineBytes is the size of the line for every attempt of one digit", () => {
  const body = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(
      fc.constantFrom("openai", "anthropic"),
      body,
      fc.integer({ min: 1, max: 9 }),
      (provider, body, attempt) => {
        const endpoint = provider === "openai" ? "/v1/chat/completions" : "/v1/messages";
        const line = encodeRequestLine(provider, customIdOf(jobId, attempt), endpoint, body);
        expect(requestLineBytes(provider, endpoint, body)).toBe(Buffer.byteLength(line));
        expect(line.indexOf("\n")).toBe(line.length - 1);
      },
    ),
  );
});
