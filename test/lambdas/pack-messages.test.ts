import fc from "fast-check";
import { expect, test } from "vitest";
import { packMessages } from "../../lambdas/deliver-results/pack-messages.ts";
import { type ResultMessage, resultEnvelopeSchema } from "../../lambdas/domain/result-message.ts";
import { answerAll, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

/** SQS's limit for a message. */
const SQS_BYTES = 1_048_576;

async function sampleResult(): Promise<ResultMessage> {
  const gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
  await gateway.admit([gateway.message(jobMessage())]);
  await gateway.runBatch((await gateway.window())[0]!, answerAll);
  return (await gateway.results("acme"))[0]!;
}

async function pack(results: readonly ResultMessage[]) {
  async function* stream() {
    yield* results;
  }
  return Array.fromAsync(packMessages(stream()));
}

function unpack(body: string): readonly ResultMessage[] {
  const envelope = resultEnvelopeSchema.parse(JSON.parse(body));
  return "results" in envelope ? envelope.results : [envelope];
}

test("a response too large for a message becomes null, and its pointer leads to it", async () => {
  const sample = await sampleResult();
  const large = { ...sample, response: { text: "x".repeat(SQS_BYTES) } };
  const [message] = (await pack([large])).flat();
  expect(Buffer.byteLength(message!.body)).toBeLessThan(SQS_BYTES);
  expect(unpack(message!.body)).toEqual([{ ...sample, response: null }]);
  expect(sample.result).not.toBeNull();
});

test("every result is packed once, in order, in messages that SQS takes, ten at a time", async () => {
  const sample = await sampleResult();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 30 }), async (sizes) => {
      const results = sizes.map((size, number) => ({
        ...sample,
        idempotencyKey: `k${number}`,
        response: { text: "é".repeat(size) },
      }));
      const sends = await pack(results);
      for (const send of sends) {
        expect(send.length).toBeLessThanOrEqual(10);
        for (const { body, results: count } of send) {
          expect(Buffer.byteLength(body)).toBeLessThanOrEqual(SQS_BYTES);
          expect(unpack(body)).toHaveLength(count);
        }
      }
      expect(sends.flat().flatMap(({ body }) => unpack(body))).toEqual(results);
    }),
    { numRuns: 20 },
  );
});

test("twelve messages go out as ten and two", async () => {
  const sample = await sampleResult();
  const results = Array.from({ length: 12 }, () => ({ ...sample, response: { text: "x".repeat(200_000) } }));
  expect((await pack(results)).map((send) => send.length)).toEqual([10, 2]);
});
