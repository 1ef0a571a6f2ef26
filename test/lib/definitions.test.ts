import aslValidator from "asl-validator";
import { describe, expect, test } from "vitest";
import { definitions } from "./machines.ts";

/** Fields of states in JSONPath, which JSONata states may not have. */
const JSON_PATH_FIELDS =
  /^(InputPath|OutputPath|ResultPath|ResultSelector|Parameters|ItemsPath|\w+Path|.*\.\$)$/;

function fieldsOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...fieldsOf(inner)]);
}

test("there are two machines, and one of lead scoring", () => {
  expect(Object.keys(definitions).toSorted()).toEqual(["AssembleWindow", "LeadScoring", "RunBatch"]);
});

describe.each(Object.keys(definitions))("%s", (name) => {
  const definition: unknown = JSON.parse(definitions[name] ?? "");

  test("is valid Amazon States Language", () => {
    const { isValid, errorsText } = aslValidator(definition);
    expect(isValid ? "valid" : errorsText("\n")).toBe("valid");
  });

  test("is JSONata throughout", () => {
    expect(definition).toMatchObject({ QueryLanguage: "JSONata" });
    expect(fieldsOf(definition).filter((field) => JSON_PATH_FIELDS.test(field))).toEqual([]);
  });

  test("ends by itself", () => {
    expect(definition).toMatchObject({ TimeoutSeconds: expect.any(Number) });
  });
});
