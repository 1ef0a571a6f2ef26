import { createHash } from "node:crypto";
import pMap from "p-map";
import { beforeEach, describe, expect, it } from "vitest";
import { MissingRecordError } from "../../lambdas/domain/failures.ts";
import type { ObjectStore } from "../../lambdas/ports.ts";
import { gather } from "./gather.ts";

const MIB = 1024 * 1024;

/** As many at once as the client has connections: a call that waits for one longer than it takes to connect fails. */
const AT_ONCE = { concurrency: 64 };

const PATTERN = Uint8Array.from({ length: 251 + 3 * MIB }, (_, index) => index % 251);

/** Byte `i` is `i` modulo 251: no two parts are alike. In chunks of a length that divides nothing. */
export async function* bytesOf(size: number, chunkBytes = 70_001): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < size; start += chunkBytes) {
    const length = Math.min(chunkBytes, size - start);
    yield PATTERN.slice(start % 251, (start % 251) + length);
  }
}

/** `size` bytes, after which the stream breaks. */
export async function* breakingAfter(size: number): AsyncGenerator<Uint8Array> {
  yield* bytesOf(size);
  throw new Error("the provider hung up");
}

async function digest(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

/** What every object store must do. `make` gives an empty one. */
export function describeObjectStore(name: string, make: () => Promise<ObjectStore>): void {
  describe(`object store: ${name}`, () => {
    let objects: ObjectStore;
    const keys = async (prefix: string) => (await gather(objects.list(prefix))).map(({ key }) => key);
    beforeEach(async () => {
      objects = await make();
    });

    it("gives back text, bytes and nothing as they were put", async () => {
      await objects.put("a/text", "zwölf 🎉 \u2028");
      await objects.put("a/bytes", Uint8Array.of(0, 255, 10, 13));
      await objects.put("a/empty", "");
      expect(text(await objects.get("a/text"))).toBe("zwölf 🎉 \u2028");
      expect([...((await objects.get("a/bytes")) ?? [])]).toEqual([0, 255, 10, 13]);
      expect((await objects.get("a/empty"))?.byteLength).toBe(0);
      expect(await objects.size("a/text")).toBe(15);
      expect(await objects.size("a/empty")).toBe(0);
    });

    it("takes the last body put under a key", async () => {
      await objects.put("a", "first");
      await objects.put("a", "second");
      expect(text(await objects.get("a"))).toBe("second");
    });

    it("gives nothing for a key without an object", async () => {
      expect(await objects.get("none")).toBeUndefined();
      expect(await objects.size("none")).toBeUndefined();
      await expect(objects.getRange("none", 0, 1)).rejects.toBeInstanceOf(MissingRecordError);
      await expect(gather(objects.stream("none"))).rejects.toBeInstanceOf(MissingRecordError);
    });

    it("gives exactly the range asked for", async () => {
      await objects.put("a", "0123456789");
      expect(text(await objects.getRange("a", 0, 1))).toBe("0");
      expect(text(await objects.getRange("a", 3, 4))).toBe("3456");
      expect(text(await objects.getRange("a", 8, 2))).toBe("89");
    });

    it("throws MissingRecordError for a range that is not all there", async () => {
      await objects.put("a", "0123456789");
      await expect(objects.getRange("a", 8, 3)).rejects.toBeInstanceOf(MissingRecordError);
      await expect(objects.getRange("a", 10, 1)).rejects.toBeInstanceOf(MissingRecordError);
    });

    it("streams 20 MB in and out", async () => {
      const size = 20 * MIB + 7;
      expect(await objects.putStream("big", bytesOf(size))).toBe(size);
      expect(await objects.size("big")).toBe(size);
      expect(await digest(objects.stream("big"))).toBe(await digest(bytesOf(size)));
      const across = await objects.getRange("big", 8 * MIB - 2, 4);
      expect([...across]).toEqual([0, 1, 2, 3].map((index) => (8 * MIB - 2 + index) % 251));
    });

    it.each([8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB])(
      "streams %i bytes, near a part's end",
      async (size) => {
        expect(await objects.putStream("parts", bytesOf(size, 3 * MIB))).toBe(size);
        expect(await digest(objects.stream("parts"))).toBe(await digest(bytesOf(size)));
      },
    );

    it("streams nothing, and little, in and out", async () => {
      expect(await objects.putStream("empty", bytesOf(0))).toBe(0);
      expect(await gather(objects.stream("empty"))).toEqual([]);
      expect(await objects.putStream("little", bytesOf(3))).toBe(3);
      expect(Buffer.concat(await gather(objects.stream("little")))).toEqual(Buffer.from([0, 1, 2]));
    });

    it("puts 12 MB at once", async () => {
      const body = Buffer.concat(await gather(bytesOf(12 * MIB)));
      await objects.put("big", body);
      expect(await digest(objects.stream("big"))).toBe(await digest(bytesOf(12 * MIB)));
    });

    it.each([1, 10 * MIB])("stores nothing of a stream that fails after %i bytes", async (size) => {
      await expect(objects.putStream("a", breakingAfter(size))).rejects.toThrow("the provider hung up");
      expect(await objects.size("a")).toBeUndefined();
    });

    it("lets a reader of a stream stop early", async () => {
      await objects.putStream("big", bytesOf(3 * MIB));
      for await (const chunk of objects.stream("big")) {
        expect(chunk[0]).toBe(0);
        break;
      }
      expect(await objects.size("big")).toBe(3 * MIB);
    });

    it("lists more keys than a page holds, in order, and none of another prefix", async () => {
      const wanted = Array.from({ length: 1005 }, (_, index) => `p/${String(index).padStart(5, "0")}`);
      const all = [...wanted, "p", "o/1", "pp/1", "q/1"].toReversed();
      await pMap(all, (key) => objects.put(key, key), AT_ONCE);
      expect(await keys("p/")).toEqual(wanted);
      expect(await keys("none/")).toEqual([]);
    });

    it("says when each object was written", async () => {
      const before = Date.now();
      await objects.put("a", "");
      const [listed] = await gather(objects.list("a"));
      // S3 may cut the time to the second.
      expect(listed?.writtenAt).toBeGreaterThanOrEqual(Math.floor(before / 1000) * 1000);
      expect(listed?.writtenAt).toBeLessThanOrEqual(Date.now());
    });

    it("deletes any number of keys, those without an object too", async () => {
      const all = Array.from({ length: 1005 }, (_, index) => `p/${index}`);
      await pMap(all, (key) => objects.put(key, ""), AT_ONCE);
      await objects.delete([...all.slice(1), "none"]);
      expect(await keys("p/")).toEqual(["p/0"]);
      await objects.delete([]);
      await objects.delete(["p/0", "p/0"]);
      expect(await keys("p/")).toEqual([]);
    });

    it("is not changed through what it was given or gave", async () => {
      const body = Uint8Array.of(1, 2, 3);
      await objects.put("a", body);
      body.fill(9);
      (await objects.get("a"))?.fill(9);
      (await objects.getRange("a", 0, 3)).fill(9);
      for (const chunk of await gather(objects.stream("a"))) chunk.fill(9);
      expect([...((await objects.get("a")) ?? [])]).toEqual([1, 2, 3]);
    });
  });
}
