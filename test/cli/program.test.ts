import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runOffpeak } from "../../cli/program.ts";
import { readStackOutputs } from "../../cli/stack-outputs.ts";

const stack = {
  DeadLetterQueueUrls: "http://127.0.0.1/one,http://127.0.0.1/two",
  JobMapTableName: "job-map",
  TenantLedgerTableName: "ledger",
  TenantsTableName: "tenants",
  BatchesTableName: "batches",
  GatewayBucketName: "bucket",
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "offpeak-outputs-"));
});
afterAll(async () => await rm(folder, { recursive: true }));

async function outputsFile(content: unknown): Promise<string> {
  const file = path.join(folder, "outputs.json");
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

async function run(...args: string[]) {
  const printed = { out: "", error: "" };
  const code = await runOffpeak(args, {
    out: (text) => void (printed.out += text),
    error: (text) => void (printed.error += text),
    now: () => 0,
  });
  return { code, ...printed };
}

describe("which stack", () => {
  test("is the only one of the file, or the one that is named", async () => {
    const { stackName, outputs } = await readStackOutputs(await outputsFile({ One: stack }), undefined);
    expect(stackName).toBe("One");
    expect(outputs.DeadLetterQueueUrls).toEqual(["http://127.0.0.1/one", "http://127.0.0.1/two"]);
    const both = await outputsFile({ One: {}, Two: stack });
    expect((await readStackOutputs(both, "Two")).stackName).toBe("Two");
  });

  test.each([
    ["several stacks", { One: stack, Two: stack }, undefined, "--stack (One, Two)"],
    ["another stack", { One: stack }, "Two", "has no stack Two, but One"],
    ["missing outputs", { One: { ...stack, TenantsTableName: undefined } }, undefined, "TenantsTableName"],
    ["another shape", [1, 2], undefined, "is not of the shape"],
    ["text", "hello", undefined, "is not JSON"],
  ])("%s: says what to do", async (_, content, name, problem) => {
    await expect(readStackOutputs(await outputsFile(content), name)).rejects.toThrow(problem);
  });
});

describe("the command line", () => {
  test("help goes to standard output and is no failure", async () => {
    for (const args of [["--help"], ["tenants", "--help"], ["help", "costs"]]) {
      const { code, out, error } = await run(...args);
      expect({ code, error }).toEqual({ code: 0, error: "" });
      expect(out).toContain("Usage: offpeak");
    }
  });

  test.each([
    [["tenants", "list"], "--outputs"],
    [["nonsense"], "nonsense"],
    [["tenants", "show", "--outputs", "x"], "tenant"],
    [["tenants", "list", "--outputs", "/no/such/file"], "/no/such/file"],
  ])("%j is refused on standard error with exit code 2", async (args, problem) => {
    const { code, out, error } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(error).toContain(problem);
  });

  test("a stack that does not answer is a failure with exit code 1", async () => {
    const refusing = { ...stack, Endpoint: "http://127.0.0.1:1", Region: "us-east-1" };
    const file = await outputsFile({ One: refusing });
    const { code, error } = await run("tenants", "list", "--outputs", file);
    expect(code).toBe(1);
    expect(error).toContain("ECONNREFUSED");
  });

  test("the script that npx runs starts the tool", () => {
    const script = fileURLToPath(new URL("../../cli/offpeak.mjs", import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [script, "costs", "--help"], { encoding: "utf8" });
    expect(status).toBe(0);
    expect(stdout).toContain("Usage: offpeak costs");
    expect(spawnSync(process.execPath, [script, "nonsense"], { encoding: "utf8" }).status).toBe(2);
  });
});
