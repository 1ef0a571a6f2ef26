import { expect, test } from "vitest";
import { resolve } from "../../../local/stack/intrinsics.ts";

const references = {
  ref: (name: string) => `ref:${name}`,
  attribute: (logicalId: string, name: string) => `${logicalId}/${name}`,
};

test.each<[unknown, unknown]>([
  [{ Ref: "A" }, "ref:A"],
  [{ "Fn::GetAtt": ["A", "Arn"] }, "A/Arn"],
  [{ "Fn::GetAtt": "A.Nested.Arn" }, "A/Nested.Arn"],
  [{ "Fn::Join": ["-", ["a", { Ref: "B" }, 3]] }, "a-ref:B-3"],
  [{ "Fn::Select": ["1", { "Fn::Split": ["/", { "Fn::GetAtt": ["A", "B"] }] }] }, "B"],
  [{ "Fn::Sub": "${A}:${B.Arn}:${!C}" }, "ref:A:B/Arn:${C}"],
  [{ "Fn::Sub": ["${own}${A}", { own: { Ref: "B" } }] }, "ref:Bref:A"],
  [{ keep: [1, { Ref: "AWS::NoValue" }, null], drop: { Ref: "AWS::NoValue" } }, { keep: [1, null] }],
  [
    { Ref: "A", other: 1 },
    { Ref: "A", other: 1 },
  ],
])("%j is %j", (value, resolved) => {
  expect(resolve(value, references)).toEqual(resolved);
});

test("a function it does not know fails by name", () => {
  expect(() => resolve({ a: [{ "Fn::ImportValue": "x" }] }, references)).toThrow("Fn::ImportValue");
});
