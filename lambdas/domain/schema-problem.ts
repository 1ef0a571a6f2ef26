import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** What is wrong with a value, with the path of each wrong field: `request.body: expected record`. */
export function schemaProblem(error: z.ZodError): string {
  return error.issues.map((issue) => describe(issue, [])).join("; ");
}

function describe(issue: Issue, parents: readonly PropertyKey[]): string {
  const path = [...parents, ...issue.path];
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // Of the shapes that a value may have, the one it misses by least is the one that was meant.
    const [nearest = []] = issue.errors.toSorted((a, b) => a.length - b.length);
    if (nearest.length > 0) return nearest.map((inner) => describe(inner, path)).join("; ");
  }
  return path.length === 0 ? issue.message : `${path.map(String).join(".")}: ${issue.message}`;
}
