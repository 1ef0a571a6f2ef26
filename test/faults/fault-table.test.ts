import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { FAULTS } from "./support/fault-table.ts";

test("every fault of the table has one test of its name", async () => {
  const folder = import.meta.dirname;
  const files = (await readdir(folder)).filter((name) => name.endsWith(".test.ts"));
  const texts = await Promise.all(files.map((name) => readFile(path.join(folder, name), "utf8")));
  // At the beginning of a line: neither commented out nor skipped nor inside another test.
  const shown = texts.flatMap((text) =>
    [...text.matchAll(/^faultTest\(\s*"([^"]+)"/gm)].map(([, name]) => name),
  );
  expect(shown.toSorted()).toEqual(Object.keys(FAULTS).toSorted());
});
