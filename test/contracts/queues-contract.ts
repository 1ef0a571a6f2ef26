import { beforeEach, describe, expect, it } from "vitest";
import { TerminalError } from "../../lambdas/domain/failures.ts";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import type { DeadLetter, Delivery } from "../../lambdas/domain/internal-messages.ts";
import type { DeadLetterQueues, Outbox, TenantQueues } from "../../lambdas/ports.ts";
import { ACME, jobIdFor, sourceAt } from "./sample-records.ts";

const MIB = 1024 * 1024;

export type OutboxUnderTest = { readonly outbox: Outbox<Delivery>; readonly drain: () => Promise<unknown[]> };
export type TenantQueuesUnderTest = {
  readonly queues: TenantQueues;
  /** Two queues. */
  readonly urls: readonly [string, string];
  readonly drain: (url: string) => Promise<string[]>;
};
export type DeadLetterQueuesUnderTest = {
  readonly queues: DeadLetterQueues;
  readonly drain: (tier: "normal" | "low") => Promise<unknown[]>;
};

function delivery(number: number, tenantId: TenantId = ACME): Delivery {
  return { version: 1, kind: "object", tenantId, key: `results/${number}` };
}

/** In any order: standard queues keep none. */
function sorted(values: readonly unknown[]): string[] {
  return values.map((value) => JSON.stringify(value)).sort();
}

export function describeOutbox(name: string, make: () => Promise<OutboxUnderTest>): void {
  describe(`outbox: ${name}`, () => {
    let under: OutboxUnderTest;
    beforeEach(async () => {
      under = await make();
    });

    it("sends every message once", async () => {
      const messages = Array.from({ length: 57 }, (_, number) => delivery(number));
      await under.outbox.send(messages);
      expect(sorted(await under.drain())).toEqual(sorted(messages));
    });

    it("sends nothing", async () => {
      await under.outbox.send([]);
      expect(await under.drain()).toEqual([]);
    });

    it("carries characters that SQS refuses unescaped", async () => {
      // None beyond U+FFFF: SQS takes those, the emulator does not.
      const odd = { ...delivery(1), key: '\u0000\u0007\n\u2028\ud800\uffff\ufffeé"\\' };
      await under.outbox.send([odd]);
      expect(await under.drain()).toEqual([odd]);
    });

    it("is not changed through what it was given", async () => {
      const message = delivery(1);
      await under.outbox.send([message]);
      message.tenantId = "another" as TenantId;
      expect(await under.drain()).toEqual([delivery(1)]);
    });
  });
}

export function describeTenantQueues(name: string, make: () => Promise<TenantQueuesUnderTest>): void {
  describe(`tenant queues: ${name}`, () => {
    let under: TenantQueuesUnderTest;
    beforeEach(async () => {
      under = await make();
    });

    it("sends each body once, to the queue it is for", async () => {
      const [one, two] = under.urls;
      const bodies = Array.from({ length: 23 }, (_, number) => JSON.stringify({ number }));
      await under.queues.send(one, bodies);
      await under.queues.send(two, ["{}"]);
      expect((await under.drain(one)).sort()).toEqual(bodies.sort());
      expect(await under.drain(two)).toEqual(["{}"]);
    });

    it("takes bodies of exactly 1 MiB, counted in bytes", async () => {
      const [url] = under.urls;
      const body = JSON.stringify("é".repeat(MIB / 2 - 1));
      expect(Buffer.byteLength(body)).toBe(MIB);
      await under.queues.send(url, [body, "{}", body]);
      expect(sorted(await under.drain(url))).toEqual(sorted(["{}", body, body]));
    });

    it("throws TerminalError for a larger one, and sends none", async () => {
      const [url] = under.urls;
      const body = JSON.stringify("a".repeat(MIB - 1));
      await expect(under.queues.send(url, ["{}", body])).rejects.toBeInstanceOf(TerminalError);
      expect(await under.drain(url)).toEqual([]);
    });
  });
}

export function describeDeadLetterQueues(name: string, make: () => Promise<DeadLetterQueuesUnderTest>): void {
  describe(`dead-letter queues: ${name}`, () => {
    it("sends each letter to the queue of its tier", async () => {
      const { queues, drain } = await make();
      const base = { version: 1, at: "2026-11-21T12:00:00.000Z" } as const;
      const message: DeadLetter = {
        ...base,
        kind: "message",
        reason: { code: "not_json", message: "the body is not JSON" },
        messageId: "m-1",
        senderId: null,
        body: "{",
        bodyKey: null,
      };
      const job: DeadLetter = {
        ...base,
        kind: "job",
        reason: { code: "attempts_used_up", message: "3 attempts failed" },
        tenantId: ACME,
        jobId: jobIdFor("one"),
        attempts: 3,
        source: sourceAt(0),
      };
      await queues.send("normal", message);
      await queues.send("low", job);
      expect(await drain("normal")).toEqual([message]);
      expect(await drain("low")).toEqual([job]);
    });
  });
}
