import { expect, test } from "vitest";
import { failedMessageIds } from "../../../local/events/batch-response.ts";

const batch = new Set(["a", "b", "c"]);

test.each([
  ["null", []],
  ["{}", []],
  ['{"batchItemFailures":null}', []],
  ['{"batchItemFailures":[]}', []],
  ['{"batchItemFailures":[{"itemIdentifier":"b"}]}', ["b"]],
  ['{"batchItemFailures":[{"itemIdentifier":""}]}', ["a", "b", "c"]],
  ['{"batchItemFailures":[{"itemIdentifier":null}]}', ["a", "b", "c"]],
  ['{"batchItemFailures":[{"messageId":"b"}]}', ["a", "b", "c"]],
  ['{"batchItemFailures":[{"itemIdentifier":"x"}]}', ["a", "b", "c"]],
  ['{"batchItemFailures":["b"]}', ["a", "b", "c"]],
  ['"ok"', ["a", "b", "c"]],
])("%s fails %j", (payload, failed) => {
  expect([...failedMessageIds(payload, batch)]).toEqual(failed);
});
