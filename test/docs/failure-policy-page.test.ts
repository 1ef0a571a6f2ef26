import { describe, expect, test } from "vitest";
import { ORPHAN_WATCH_MS, STAGE_LIMITS_MS } from "../../lambdas/domain/batch-watch.ts";
import { FAILURE_TABLE, type PolicyRow } from "../../lambdas/domain/failure-table.ts";
import { failurePolicyPage } from "../../scripts/failure-policy-page.ts";

const page = failurePolicyPage();

/** The cells of the row of a table that begins with this cell, in the section of this title. */
function cellsAt(title: string, first: string, text = page): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(title)) ?? "";
  const line = section.split("\n").find((candidate) => candidate.startsWith(`| ${first} `)) ?? "";
  return line.split("|").map((cell) => cell.trim());
}

const TITLES: Readonly<Record<PolicyRow["where"], string>> = {
  line: "On a line of a batch's output",
  output: "In a batch's output as a whole",
  batch: "On a batch",
  call: "At a direct call",
};

test.each(FAILURE_TABLE.map((row) => [row.where, row.seen, row] as const))(
  "%s %s has a line of its own, with its reason and its words",
  (where, seen, row: PolicyRow) => {
    const cells = cellsAt(TITLES[where], `\`${seen}\``);
    expect(cells).toContain(row.why);
    if (row.tells !== null) expect(cells).toContain(`\`${row.tells.code}\`: ${row.tells.message}`);
  },
);

describe("a row says", () => {
  const row: PolicyRow = {
    where: "batch",
    seen: "sunspots",
    action: "next-batch",
    counts: false,
    backOffSeconds: 90 * 60,
    halve: true,
    holdSeconds: 7200,
    unconfirmed: true,
    endsJob: true,
    tells: null,
    why: "The sun.",
  };
  const shown = (changes: Partial<PolicyRow>) =>
    cellsAt(TITLES.batch, "`sunspots`", failurePolicyPage([{ ...row, ...changes }])).slice(1, -1);

  test("what is done, whether it counts, how long to wait and whose words the tenant gets", () => {
    expect(shown({})).toEqual([
      "`sunspots`",
      "into a later batch; halved; estimated",
      "no",
      "90 min",
      "2 h",
      "the provider's own",
      "The sun.",
    ]);
  });

  test("nothing of what does not concern it", () => {
    const none = {
      action: "none",
      halve: false,
      unconfirmed: false,
      endsJob: true,
      backOffSeconds: 0,
      holdSeconds: 0,
    } as const;
    expect(shown({ ...none, counts: true })).toEqual([
      "`sunspots`",
      "nothing",
      "-",
      "-",
      "-",
      "-",
      "The sun.",
    ]);
  });
});

test("the clocks are those in force", () => {
  for (const [stage, limit] of Object.entries(STAGE_LIMITS_MS))
    expect(cellsAt("Clocks", `a batch is \`${stage}\``)[2]).toBe(`${limit / 3_600_000} h`);
  expect(cellsAt("Clocks", "an orphan is being cancelled")[2]).toBe(`${ORPHAN_WATCH_MS / 86_400_000} days`);
});
