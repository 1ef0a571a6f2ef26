import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { types } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { LambdaHost } from "../../../local/lambda/lambda-host.ts";
import { shiftDate, TimeOffset } from "../../../local/lambda/time-offset.ts";

const HOUR_MS = 3_600_000;
/** More than a test takes, less than any offset here. */
const SOON_MS = 60_000;

test("a shifted Date tells the stack's time in every form, and given times stay what they are", () => {
  const offset = new TimeOffset();
  const machine = Date.now();
  const restore = shiftDate(offset);
  onTestFinished(restore);
  offset.advance(HOUR_MS);
  for (const time of [
    Date.now(),
    new Date().getTime(),
    Date.parse(Date()),
    new TimeOffset(offset.buffer).now(),
  ])
    expect(Math.abs(time - machine - HOUR_MS)).toBeLessThan(SOON_MS);
  expect(new Date(0).toISOString()).toBe("1970-01-01T00:00:00.000Z");
  expect(Date.parse("1970-01-01T00:00:01Z")).toBe(1000);
  expect(new Date()).toBeInstanceOf(Date);
  expect(types.isDate(new Date())).toBe(true);
  class Later extends Date {
    readonly later = true;
  }
  expect(new Later(5)).toMatchObject({ later: true });
  restore();
  expect(Math.abs(Date.now() - machine)).toBeLessThan(SOON_MS);
});

test("a handler's thread follows the offset, and its host is told of each invocation", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "offpeak-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  // Keeps hold of the function as the handlers' runtime does.
  writeFileSync(
    path.join(folder, "index.mjs"),
    "const now = Date.now; export const handler = async () => now();",
  );
  const timeOffset = new TimeOffset();
  const invocations: string[] = [];
  const host = new LambdaHost({
    logFolder: folder,
    timeOffset,
    onInvocation: (name, result) => void result.then(({ kind }) => invocations.push(`${name} ${kind}`)),
  });
  onTestFinished(() => host.stop());
  host.add({
    codeFolder: folder,
    handler: "index.handler",
    functionName: "work",
    functionArn: "arn:aws:lambda:us-east-1:123456789012:function:work",
    env: {},
    timeoutMs: 20_000,
    memoryMb: 128,
    maxConcurrency: 1,
  });
  const ahead = async () => {
    const result = await host.invoke("work", "null");
    return result.kind === "succeeded" ? Number(result.payload) - Date.now() : Number.NaN;
  };
  expect(Math.abs(await ahead())).toBeLessThan(SOON_MS);
  timeOffset.advance(HOUR_MS);
  expect(Math.abs((await ahead()) - HOUR_MS)).toBeLessThan(SOON_MS);
  expect(invocations).toEqual(["work succeeded", "work succeeded"]);
});
