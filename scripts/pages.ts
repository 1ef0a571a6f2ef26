import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

export const PAGES: readonly Page[] = [
  { path: "failure-policy.md", make: () => failurePolicyPage() },
  { path: "workloads/post-call.md", make: (stored) => withFigures(stored, postCallFigures()) },
  { path: "workloads/lead-scoring.md", make: (stored) => withFigures(stored, leadScoringFigures()) },
  { path: "workloads/re-index.md", make: (stored) => withFigures(stored, reIndexFigures()) },
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
