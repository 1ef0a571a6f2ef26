import { InvalidArgumentError } from "commander";
import { type Workload, WORKLOADS } from "../../lambdas/domain/workloads.ts";

/** What each workload is called on command lines, as its page in docs/workloads is. */
export const WORKLOAD_NAMES = {
  postCall: "post-call",
  leadScoring: "lead-scoring",
  reIndex: "re-index",
} as const satisfies Readonly<Record<Workload, string>>;
export type WorkloadName = (typeof WORKLOAD_NAMES)[Workload];

const ALL = "all";

/** The workloads of `post-call,re-index`, or of `all`. Throws commander's error on a name that is none. */
export function parseWorkloads(text: string): Workload[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => name !== ALL && workloadNamed(name) === undefined);
  if (unknown !== undefined) {
    const known = Object.values(WORKLOAD_NAMES).join(", ");
    throw new InvalidArgumentError(
      `there is no workload "${unknown}": give some of ${known}, with commas between them, or ${ALL}`,
    );
  }
  return WORKLOADS.filter((workload) => names.includes(ALL) || names.includes(WORKLOAD_NAMES[workload]));
}

function workloadNamed(name: string): Workload | undefined {
  return WORKLOADS.find((workload) => WORKLOAD_NAMES[workload] === name);
}
