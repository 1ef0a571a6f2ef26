import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, "../..");
// Inside the checkout, so that the built client finds the packages it depends on.
const OUT = path.join(ROOT, ".offpeak", `client-test-${process.pid}`);

afterAll(() => rm(OUT, { recursive: true, force: true }));

test("the client builds to plain JavaScript that an app can import, without the rest of the project", async () => {
  await run(path.join(ROOT, "node_modules/.bin/tsc"), ["-p", "tsconfig.client.json", "--outDir", OUT], {
    cwd: ROOT,
  });
  const script = `import * as client from ${JSON.stringify(path.join(OUT, "client/index.js"))};
    console.log(JSON.stringify(Object.keys(client).toSorted()));`;
  // A Node that strips types would hide an import that was left pointing at TypeScript.
  const args = ["--no-experimental-strip-types", "--input-type=module", "--eval", script];
  const { stdout } = await run(process.execPath, args, { cwd: ROOT });
  expect(JSON.parse(stdout)).toEqual([
    "KnowledgeIndex",
    "cancelJob",
    "isFresh",
    "isWithin",
    "queueUrlsFromOutputs",
    "readResults",
    "submitJobs",
  ]);
});
