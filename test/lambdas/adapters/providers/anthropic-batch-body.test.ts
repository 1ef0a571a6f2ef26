import * as fc from "fast-check";
import { expect, test } from "vitest";
import { batchBody } from "../../../../lambdas/adapters/providers/anthropic-batch-body.ts";
import { TerminalError } from "../../../../lambdas/domain/failures.ts";
import { encodeLine } from "../../../../lambdas/domain/jsonl.ts";
import { gather } from "../../../contracts/gather.ts";

async function* inChunks(bytes: Uint8Array, cuts: readonly number[]) {
  const places = [...cuts.map((place) => place % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b);
  for (const [index, end] of places.slice(1).entries()) yield bytes.subarray(places[index], end);
}

test("the body is the array of the lines, of the announced length, however the input is cut", async () => {
  const requests = fc.array(
    fc.record({ custom_id: fc.string(), params: fc.dictionary(fc.string(), fc.jsonValue()) }),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  await fc.assert(
    fc.asyncProperty(requests, fc.array(fc.nat(), { maxLength: 12 }), async (lines, cuts) => {
      const input = Buffer.from(lines.map((line) => encodeLine(line)).join(""));
      const before = Buffer.from(input);
      const { chunks, length } = batchBody(inChunks(input, cuts), input.length);
      const body = Buffer.concat(await gather(chunks));
      expect(body).toHaveLength(length);
      expect(JSON.parse(body.toString())).toEqual({ requests: JSON.parse(JSON.stringify(lines)) });
      expect(input.equals(before)).toBe(true);
    }),
  );
});

test.each(["", '{"custom_id":"a"}'])(
  "an input that does not end in a line feed (%j) breaks off",
  async (input) => {
    const { chunks } = batchBody(inChunks(Buffer.from(input), []), input.length);
    await expect(gather(chunks)).rejects.toBeInstanceOf(TerminalError);
  },
);
