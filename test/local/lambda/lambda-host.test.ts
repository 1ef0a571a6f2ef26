import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { InvocationResult } from "../../../local/lambda/function-error.ts";
import { hostOf } from "./functions.ts";

function payloadOf(result: InvocationResult): unknown {
  if (result.kind === "failed") throw new Error(JSON.stringify(result.error));
  return JSON.parse(result.payload);
}

/** Where handlers can wait to be let go, so that tests need no sleeping. */
async function gate(): Promise<{ url: string; arrived: (count: number) => Promise<void>; open: () => void }> {
  const held: (() => void)[] = [];
  let wake: (() => void) | undefined;
  const server = createServer((_request, response) => {
    held.push(() => response.end("go"));
    wake?.();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    arrived: async (count) => {
      while (held.length < count) await new Promise<void>((resolve) => (wake = resolve));
    },
    open: () => {
      for (const release of held.splice(0)) release();
    },
  };
}

const WAITING = `export const handler = async (event) => { await (await fetch(process.env.GATE)).text(); return event; };`;

describe("an invocation", () => {
  test("gets event and context, and its environment stays warm", async () => {
    const { host } = hostOf(`
      let count = 0;
      export const handler = async (event, context) => ({
        event, count: ++count, name: context.functionName, memory: context.memoryLimitInMB,
        left: context.getRemainingTimeInMillis() > 10_000 && context.getRemainingTimeInMillis() <= 20_000,
        id: context.awsRequestId.length });`);
    const first = payloadOf(await host.invoke("work", '{"a":1}'));
    expect(first).toEqual({ event: { a: 1 }, count: 1, name: "work", memory: "128", left: true, id: 36 });
    const arn = "arn:aws:lambda:us-east-1:123456789012:function:work:$LATEST";
    expect(payloadOf(await host.invoke(arn, "null"))).toMatchObject({ event: null, count: 2 });
    expect(host.invocations).toBe(2);
  });

  test("sees its own environment variables and nothing of the host's", async () => {
    const { host } = hostOf("export const handler = async () => process.env;", { env: { MINE: "1" } });
    expect(payloadOf(await host.invoke("work", "{}"))).toEqual({ MINE: "1" });
  });

  test("answers null for nothing", async () => {
    const { host } = hostOf("export const handler = async () => {};");
    expect(await host.invoke("work", "{}")).toEqual({ kind: "succeeded", payload: "null" });
  });
});

describe("a failure", () => {
  test("carries the error's own name, and the environment lives on", async () => {
    const { host } = hostOf(`
      let count = 0;
      class QuotaError extends Error { name = "QuotaExceeded"; }
      export const handler = async () => { if (++count === 1) throw new QuotaError("too much"); return count; };`);
    const result = await host.invoke("work", "{}");
    expect(result).toMatchObject({
      kind: "failed",
      error: { errorType: "QuotaExceeded", errorMessage: "too much" },
    });
    expect(payloadOf(await host.invoke("work", "{}"))).toBe(2);
  });

  test("a timeout ends the thread, busy loops included, and a fresh one takes the next event", async () => {
    const source =
      "let count = 0; export const handler = async (e) => { count++; while (e.loop); return count; };";
    const { host } = hostOf(source, { timeoutMs: 300 });
    const result = await host.invoke("work", '{"loop":true}');
    expect(result).toMatchObject({ kind: "failed", error: { errorType: "Sandbox.Timedout" } });
    expect(result).toMatchObject({
      error: { errorMessage: expect.stringMatching(/Task timed out after 0.30 seconds/) as string },
    });
    expect(payloadOf(await host.invoke("work", "{}"))).toBe(1);
  });

  test.each([
    ["process.exit", "process.exit(3)", "Runtime.ExitError", /exit status 3/],
    [
      "the heap",
      "const a = []; for (;;) { a.push(Array.from({ length: 1e5 }, (_, i) => [i])); await new Promise((r) => setTimeout(r, 5)); }",
      "Runtime.ExitError",
      /signal: killed/,
    ],
    [
      "buffers",
      "const a = []; for (;;) { a.push(Buffer.alloc(1e6, 1)); await new Promise((r) => setTimeout(r, 1)); }",
      "Runtime.ExitError",
      /signal: killed/,
    ],
    [
      "an error outside the handler",
      "setImmediate(() => { throw new TypeError('loose') }); await new Promise(() => {})",
      "TypeError",
      /loose/,
    ],
  ])("%s ends the invocation, and the environment is replaced", async (_what, code, errorType, message) => {
    const source = `export const handler = async (event) => { if (event.ok) return 1; ${code} };`;
    const { host } = hostOf(source, { memoryMb: 64 });
    const result = await host.invoke("work", "{}");
    expect(result).toMatchObject({
      kind: "failed",
      error: { errorType, errorMessage: expect.stringMatching(message) as string },
    });
    expect(payloadOf(await host.invoke("work", '{"ok":true}'))).toBe(1);
  });

  test.each([
    ["does not load", "throw new RangeError('at load')", "RangeError"],
    ["lacks the handler", "export const other = 1", "Runtime.HandlerNotFound"],
    ["does not parse", "export const = 1", "SyntaxError"],
  ])("a module that %s fails every invocation", async (_what, source, errorType) => {
    const { host } = hostOf(source);
    for (const _ of [1, 2]) {
      expect(await host.invoke("work", "{}")).toMatchObject({ kind: "failed", error: { errorType } });
    }
  });

  test("payloads above 6 MB are refused both ways", async () => {
    const { host } = hostOf("export const handler = async (event) => 'x'.repeat(event.bytes ?? 0);");
    const large = JSON.stringify({ pad: "x".repeat(6 * 1024 * 1024) });
    expect(await host.invoke("work", large)).toMatchObject({
      error: { errorType: "RequestTooLargeException" },
    });
    const result = await host.invoke("work", JSON.stringify({ bytes: 6 * 1024 * 1024 - 1 }));
    expect(result).toMatchObject({ error: { errorType: "Function.ResponseSizeTooLarge" } });
    const fits = await host.invoke("work", JSON.stringify({ bytes: 6 * 1024 * 1024 - 2 }));
    expect(fits.kind).toBe("succeeded");
  });
});

describe("environments", () => {
  test("grow on demand to the limit; what is more waits its turn", async () => {
    const { url, arrived, open } = await gate();
    const { host } = hostOf(WAITING, { maxConcurrency: 2, env: { GATE: url } });
    const results = [1, 2, 3].map((event) => host.invoke("work", String(event)));
    await arrived(2);
    expect(host.activeCount).toBe(3);
    open();
    await arrived(1);
    open();
    expect((await Promise.all(results)).map(payloadOf)).toEqual([1, 2, 3]);
    expect(host.activeCount).toBe(0);
  });

  test("one at a time means one environment for all", async () => {
    const source = "let count = 0; export const handler = async () => ++count;";
    const { host } = hostOf(source, { maxConcurrency: 1 });
    const results = await Promise.all([1, 2, 3].map(() => host.invoke("work", "{}")));
    expect(results.map(payloadOf)).toEqual([1, 2, 3]);
  });

  test("kill ends an invocation in the middle, and only then", async () => {
    const { url, arrived, open } = await gate();
    const { host } = hostOf(WAITING, { env: { GATE: url } });
    expect(await host.kill("work")).toBe(false);
    const result = host.invoke("work", "1");
    await arrived(1);
    expect(await host.kill("work")).toBe(true);
    expect(await result).toMatchObject({ kind: "failed", error: { errorType: "Runtime.ExitError" } });
    open();
  });

  test("stop ends what runs and what waits", async () => {
    const { url, arrived } = await gate();
    const { host } = hostOf(WAITING, { maxConcurrency: 1, env: { GATE: url } });
    const results = [1, 2].map((event) => host.invoke("work", String(event)));
    await arrived(1);
    await host.stop();
    const kinds = (await Promise.all(results)).map(
      (result) => result.kind === "failed" && result.error.errorType,
    );
    expect(kinds).toEqual(["Sandbox.Stopped", "Sandbox.Stopped"]);
  });
});

const metric = (values: unknown): string =>
  JSON.stringify({
    _aws: { CloudWatchMetrics: [{ Namespace: "n", Metrics: [{ Name: "Jobs" }] }] },
    service: "s",
    Jobs: values,
  });

describe("what is seen from outside", () => {
  test("lines are in the log and at the hook before the invocation returns, metrics are summed", async () => {
    const source = `export const handler = async () => {
      console.log("one\\ntwo"); console.error("three"); process.stdout.write(${JSON.stringify(metric([1, 2]))} + "\\n");
      console.log(${JSON.stringify(metric(4))}); console.log("{\\"_aws\\": broken"); };`;
    const { host, lines, logFolder } = hostOf(source);
    await host.invoke("work", "{}");
    expect(lines).toEqual(expect.arrayContaining(["one", "two", "three"]));
    expect(host.metrics()).toEqual(new Map([["s/Jobs", 7]]));
    await host.stop();
    expect(readFileSync(path.join(logFolder, "work.log"), "utf8").split("\n")).toEqual(
      expect.arrayContaining(["one", "two", "three"]),
    );
  });

  test("even a long output is complete when the invocation returns", async () => {
    const { host, lines } = hostOf(`export const handler = async () => {
      for (let line = 0; line < 20_000; line++) console.log("line " + line + " of a long output"); };`);
    await host.invoke("work", "{}");
    expect(lines).toHaveLength(20_000);
    expect(lines.at(-1)).toBe("line 19999 of a long output");
  });

  test("the peak includes buffers that are gone again, and outlives the thread", async () => {
    const source = `export const handler = async () => {
      let kept = Buffer.alloc(40e6, 1); await new Promise((r) => setTimeout(r, 100)); kept = null; process.exit(1); };`;
    const { host } = hostOf(source);
    await host.invoke("work", "{}");
    expect(host.peakBytes().get("work")).toBeGreaterThan(40e6);
  });
});
