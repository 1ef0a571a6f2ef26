import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { templateOf } from "./stage-template.ts";

const alarms = Object.values(templateOf().findResources("AWS::CloudWatch::Alarm"));

test("every alarm links a section that the runbook has", () => {
  const runbook = readFileSync(path.join(import.meta.dirname, "../../docs/runbook.md"), "utf8");
  const sections = new Set(
    [...runbook.matchAll(/^##+ (.+)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
  const links = alarms.map((alarm) => /docs\/runbook\.md#([a-z0-9-]+)/.exec(JSON.stringify(alarm))?.[1]);
  expect(links.length).toBeGreaterThan(5);
  for (const link of links) expect(sections).toContain(link);
});
