import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { LambdaHost } from "../../../local/lambda/lambda-host.ts";

/** A folder that is gone after the test. */
function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "offpeak-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A host with one function, `work`, whose module is this source. */
export function hostOf(
  source: string,
  more: { timeoutMs?: number; memoryMb?: number; maxConcurrency?: number; env?: Record<string, string> } = {},
): { host: LambdaHost; logFolder: string; lines: string[] } {
  const codeFolder = temporaryFolder();
  const logFolder = temporaryFolder();
  writeFileSync(path.join(codeFolder, "index.mjs"), source);
  const lines: string[] = [];
  const host = new LambdaHost({ logFolder, onLine: (_name, line) => lines.push(line) });
  onTestFinished(() => host.stop());
  host.add({
    codeFolder,
    handler: "index.handler",
    functionName: "work",
    functionArn: "arn:aws:lambda:us-east-1:123456789012:function:work",
    env: {},
    timeoutMs: 20_000,
    memoryMb: 128,
    maxConcurrency: 2,
    ...more,
  });
  return { host, logFolder, lines };
}
