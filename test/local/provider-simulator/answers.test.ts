import * as fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { answerText, chooseLabel, listedLabels } from "../../../local/provider-simulator/answer-text.ts";
import { answerForNamedFields, answerForSchema } from "../../../local/provider-simulator/schema-answer.ts";

const leaf = fc.oneof(
  fc.record({
    type: fc.constant("string"),
    minLength: fc.integer({ min: 0, max: 5 }),
    maxLength: fc.integer({ min: 5, max: 50 }),
  }),
  fc.constantFrom(
    { type: "string", format: "date" },
    { type: "string", format: "email" },
    { type: "boolean" },
  ),
  fc.constantFrom(
    { type: "string", format: "uuid" },
    { type: "string", format: "date-time" },
    { type: "null" },
  ),
  fc.record({
    type: fc.constant("string"),
    enum: fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    type: fc.constantFrom("integer", "number"),
    minimum: fc.integer({ min: -10, max: 10 }),
    maximum: fc.integer({ min: 10, max: 20 }),
  }),
);
const schemas = fc.letrec<{ node: Record<string, unknown> }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthIdentifier: "schema" },
    leaf,
    fc.dictionary(fc.constantFrom("summary", "topic", "score", "items"), tie("node")).map((properties) => ({
      type: "object",
      properties,
      required: Object.keys(properties),
      additionalProperties: false,
    })),
    fc
      .record({ items: tie("node"), minItems: fc.integer({ min: 0, max: 3 }) })
      .map((array) => ({ type: "array", ...array, maxItems: array.minItems + 1 })),
    tie("node").map((node) => ({ anyOf: [{ type: "null" }, node] })),
  ),
})).node;

test("an answer satisfies its schema, whatever the text", () => {
  fc.assert(
    fc.property(schemas, fc.string({ maxLength: 200 }), (schema, text) => {
      const result = z.fromJSONSchema(schema).safeParse(answerForSchema(schema, text));
      expect(result.error?.issues ?? []).toEqual([]);
    }),
  );
});

test("references are followed, and a recursive schema ends", () => {
  const schema = {
    type: "object",
    properties: { root: { $ref: "#/$defs/node" } },
    required: ["root"],
    $defs: {
      node: {
        type: "object",
        properties: {
          name: { type: "string" },
          children: { type: "array", items: { $ref: "#/$defs/node" } },
        },
        required: ["name", "children"],
      },
    },
  };
  const answer = answerForSchema(schema, "A tree. Of calls.") as {
    root: { name: string; children: unknown[] };
  };
  expect(answer.root.children.length).toBeGreaterThan(0);
  expect(JSON.stringify(answer).length).toBeLessThan(200_000);
});

test.each([
  ["Classify into one of: billing, technical, sales.", ["billing", "technical", "sales"]],
  ['Labels: "card_arrival", "lost_card" or "top_up"', ["card_arrival", "lost_card", "top_up"]],
  ["Choose from these categories:\n- car rental\n- hotel booking\n", ["car rental", "hotel booking"]],
  ["Summarize the call in three sentences.", null],
])("labels are read from %j", (instructions, labels) => {
  expect(listedLabels(instructions)).toEqual(labels);
});

test("the label that shares most words with the text is chosen", () => {
  const labels = ["card_arrival", "lost_or_stolen_card", "exchange_rate"];
  expect(chooseLabel(labels, "When will my new card arrive?")).toBe("card_arrival");
  expect(chooseLabel(labels, "What exchange rate do I get?")).toBe("exchange_rate");
});

test("a summary uses the conversation's own sentences, in their order", () => {
  const text =
    "agent: Hello.\ncustomer: I need 2 rooms in Paris on May 3rd.\nagent: It is 120 euros.\ncustomer: Ok.";
  expect(answerText("Summarize.", text)).toBe("Hello. I need 2 rooms in Paris on May 3rd. It is 120 euros.");
});

test("JSON asked for in words has the named fields", () => {
  const answer = answerForNamedFields('Reply in JSON with keys "summary" and "city".', "I live in Rome.");
  expect(Object.keys(answer)).toEqual(["summary", "city"]);
});
