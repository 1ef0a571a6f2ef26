import { ORPHAN_WATCH_MS, STAGE_LIMITS_MS, UNSEEN_LIMIT_MS } from "../lambdas/domain/batch-watch.ts";
import { LONGEST_BACK_OFF_SECONDS } from "../lambdas/domain/failure-policy.ts";
import { FAILURE_TABLE, type PolicyRow } from "../lambdas/domain/failure-table.ts";
import { MAX_ATTEMPTS } from "../lambdas/domain/job-state.ts";
import { EXPIRES_AFTER_DUE_MS } from "../lambdas/domain/planner.ts";
import { tableOf } from "./markdown.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const SECTIONS: readonly (readonly [PolicyRow["where"], string, string])[] = [
  [
    "line",
    "On a line of a batch's output",
    "A line speaks for one request. It outweighs whatever is said of the batch as a whole.",
  ],
  [
    "output",
    "In a batch's output as a whole",
    "What the lines together say, of requests that no line of the output answers.",
  ],
  [
    "batch",
    "On a batch",
    "What the provider says of a batch that it refused, or that ended without a line for some or all of its requests.",
  ],
  ["call", "At a direct call", "Urgent jobs, jobs that are run alone, and jobs from the dead letters."],
];

/** How a row's action reads. */
const ACTIONS: Readonly<Record<PolicyRow["action"], string>> = {
  settle: "the job succeeds",
  fail: "the job fails for good",
  "next-batch": "into a later batch",
  alone: "called directly, by itself",
  again: "called again at once",
  none: "nothing",
};

/** What is done when a stage's clock is over. */
const STAGES: readonly (readonly [keyof typeof STAGE_LIMITS_MS, string])[] = [
  ["validating", "cancelled"],
  ["in-progress", "cancelled"],
  ["finalizing", "cancelled"],
  ["cancelling", "given up: its requests move on as `stuck`, and an orphan watches what it may yet bill"],
];

/** The page for operators, in Markdown as the formatter leaves it, of the table and the clocks that are in force. */
export function failurePolicyPage(table: readonly PolicyRow[] = FAILURE_TABLE): string {
  const sections = SECTIONS.map(([where, title, about]) =>
    [
      `## ${title}`,
      about,
      tableOf(
        ["seen", "what is done", "counts", "back-off", "account held", "words", "why"],
        table.filter((row) => row.where === where).map(cellsOf),
      ),
    ].join("\n\n"),
  );
  return `${[INTRODUCTION, LEGEND, ...sections, clocks()].join("\n\n")}\n`;
}

const INTRODUCTION = `# Failure policy

What is done about everything that can become of an attempt at a job. This page is made of the table that the code
itself reads, \`lambdas/domain/failure-table.ts\`, by \`npm run pages\`: change the table, not the
page.`;

const LEGEND = `- **counts**: a job has ${MAX_ATTEMPTS} attempts. After the last that counts it goes to the dead letters, which run it once more,
  by itself; if that fails too it ends as \`failed\` and its tenant is told. What is not the request's doing does not count,
  and is tried for as long as it takes (see [the clocks](#clocks)).
- **back-off**: before the next attempt is planned; doubled with each attempt that counted, ${duration(LONGEST_BACK_OFF_SECONDS * 1000)} at most.
- **account held**: nothing more is planned for the provider account until this long after the batch ended.
- **halved**: the requests come back as two batches of half the size, the second after twice the back-off, and so on; one
  that is left by itself is called directly, which shows whether it is the one.
- **estimated**: the provider may have billed an answer that cannot be priced. The ledger has an \`unconfirmed\` entry with
  an estimate, and \`npx offpeak costs\` shows it apart.
- **patient**: the operator's to mend. No job ends over it: it goes back to the dead letters and is tried again every
  quarter of an hour, until ${duration(EXPIRES_AFTER_DUE_MS)} after it was due.
- **words**: what stands in the job's story (\`npx offpeak jobs show\`), in its dead letter, and in the result's \`error\` if the
  job ends over it. An answer that was refused or cut off is a success, with its \`error\` set beside the response.`;

function cellsOf(row: PolicyRow): string[] {
  const done = [
    ACTIONS[row.action],
    ...(row.halve ? ["halved"] : []),
    ...(row.unconfirmed ? ["estimated"] : []),
    ...(row.endsJob ? [] : ["patient"]),
  ];
  const triesAgain = row.action === "next-batch" || row.action === "alone" || row.action === "again";
  return [
    `\`${row.seen}\``,
    done.join("; "),
    triesAgain ? (row.counts ? "yes" : "no") : "-",
    duration(row.backOffSeconds * 1000),
    duration(row.holdSeconds * 1000),
    wordsOf(row),
    row.why,
  ];
}

function wordsOf({ tells, action, seen }: PolicyRow): string {
  if (tells !== null) return `\`${tells.code}\`: ${tells.message}`;
  return action === "none" || seen === "answered" ? "-" : "the provider's own";
}

function clocks(): string {
  const rows = [
    ...STAGES.map(([stage, then]) => [`a batch is \`${stage}\``, duration(STAGE_LIMITS_MS[stage]), then]),
    [
      "an orphan is being cancelled",
      duration(ORPHAN_WATCH_MS),
      "no longer watched: what it bills later is not known",
    ],
    [
      "nobody can look at a batch, or read its results",
      duration(UNSEEN_LIMIT_MS),
      "given up as `stuck`, or its rest is `results-gone`",
    ],
    [
      "a job waits past its due time",
      duration(EXPIRES_AFTER_DUE_MS),
      "ends as `expired`, by the next window that finds it waiting",
    ],
  ];
  const about = `Counted from when the provider says that the stage began; a cancel from when we asked for it. A batch that is cancelled
is settled for what it answered, and the rest goes on as \`cancelled-line\` or \`stuck\`.`;
  return ["## Clocks", about, tableOf(["while", "no longer than", "then"], rows)].join("\n\n");
}

/** Milliseconds as people say them: whole days from two on, hours, minutes; a dash for none. */
function duration(ms: number): string {
  if (ms === 0) return "-";
  if (ms % DAY_MS === 0 && ms > DAY_MS) return `${ms / DAY_MS} days`;
  return ms % HOUR_MS === 0 ? `${ms / HOUR_MS} h` : `${ms / MINUTE_MS} min`;
}
