import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fittingCount, sqsEvent, toReceived } from "../../../local/events/sqs-event.ts";

const ARN = "arn:aws:sqs:us-east-1:000000000000:jobs";
const LIMIT = 6 * 1024 * 1024;

function received(body: string): ReturnType<typeof toReceived> {
  return toReceived({ MessageId: "m", ReceiptHandle: "r", Body: body }, ARN);
}

test("a record has the shape that Lambda gives", () => {
  const record = toReceived(
    {
      MessageId: "m",
      ReceiptHandle: "r",
      Body: "body",
      MD5OfBody: "md5",
      Attributes: { SenderId: "AROA:session", SentTimestamp: "1", ApproximateReceiveCount: "2" },
      MessageAttributes: {
        text: { DataType: "String", StringValue: "s" },
        bytes: { DataType: "Binary", BinaryValue: new Uint8Array([1, 2]) },
      },
    },
    ARN,
  );
  expect(JSON.parse(sqsEvent([record]))).toEqual({
    Records: [
      {
        messageId: "m",
        receiptHandle: "r",
        body: "body",
        attributes: { SenderId: "AROA:session", SentTimestamp: "1", ApproximateReceiveCount: "2" },
        messageAttributes: {
          text: { stringValue: "s", stringListValues: [], binaryListValues: [], dataType: "String" },
          bytes: { binaryValue: "AQI=", stringListValues: [], binaryListValues: [], dataType: "Binary" },
        },
        md5OfBody: "md5",
        eventSource: "aws:sqs",
        eventSourceARN: ARN,
        awsRegion: "us-east-1",
      },
    ],
  });
});

test("a cut is as long as batch size and 6 MB allow, and no longer", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 1024 * 1024 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 20 }), (lengths, batchSize) => {
      const messages = lengths.map((length) => received("x".repeat(length)));
      const count = fittingCount(messages, batchSize);
      const bytes = (n: number): number => Buffer.byteLength(sqsEvent(messages.slice(0, n)));
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThanOrEqual(batchSize);
      expect(bytes(count)).toBeLessThanOrEqual(LIMIT);
      if (count < Math.min(batchSize, messages.length)) expect(bytes(count + 1)).toBeGreaterThan(LIMIT);
    }),
    { numRuns: 30 },
  );
});
