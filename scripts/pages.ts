import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCountedDays } from "../bench/aws-costs/counted-days.ts";
import { awsSentence, costsFigures } from "./costs-page.ts";
import { failurePolicyPage } from "./failure-policy-page.ts";
import { leadScoringFigures } from "./lead-scoring-page.ts";
import { withFigures } from "./markdown.ts";
import { postCallFigures } from "./post-call-page.ts";
import { reIndexFigures } from "./re-index-page.ts";

/** A page in docs/ that is made of the code's own tables, whole or between two marks. */
export type Page = {
  /** Under docs/. */
  readonly path: string;
  /** The page as it should be, of the page as it is. */
  make(stored: string): string;
};

const COUNTED = readCountedDays();

/** A workload's page: what providers bill, and AWS. */
function workloadPage(path: string, day: string, figures: string): Page {
  const made = `${figures}\n\n${awsSentence(COUNTED, day)}`;
  return { path, make: (stored) => withFigures(stored, made) };
}

export const PAGES: readonly Page[] = [
  { path: "costs.md", make: (stored) => withFigures(stored, costsFigures(COUNTED)) },
  { path: "failure-policy.md", make: () => failurePolicyPage() },
  workloadPage("workloads/post-call.md", "post-call", postCallFigures()),
  workloadPage("workloads/lead-scoring.md", "lead-scoring", leadScoringFigures()),
  workloadPage("workloads/re-index.md", "re-index", reIndexFigures()),
];

/** The page as it is stored. */
export function readPage({ path }: Page): string {
  return readFileSync(fileOf(path), "utf8");
}

function fileOf(path: string): string {
  return join(import.meta.dirname, "../docs", path);
}

if (process.argv[1] === import.meta.filename)
  for (const page of PAGES) writeFileSync(fileOf(page.path), page.make(readPage(page)));
