import { z } from "zod";
import { leadScoringPolicySchema } from "./lead-scoring/lead-scoring-policy.ts";
import { postCallPolicySchema } from "./post-call/post-call-policy.ts";
import { reIndexPolicySchema } from "./re-index/re-index-policy.ts";

/** The workloads that come with the gateway, as settings and policies name them. */
export const WORKLOADS = ["postCall", "leadScoring", "reIndex"] as const;
export type Workload = (typeof WORKLOADS)[number];

/** The agent in whose name a workload's jobs are sent: where their results go hangs on it. */
export const WORKLOAD_AGENTS: Readonly<Record<Workload, string>> = {
  postCall: "offpeak-post-call",
  leadScoring: "offpeak-lead-scoring",
  reIndex: "offpeak-re-index",
};

/** What a tenant's policy says of the workloads: one that is left out is off for the tenant. */
export const workloadPoliciesSchema = z.strictObject({
  postCall: postCallPolicySchema.optional(),
  leadScoring: leadScoringPolicySchema.optional(),
  reIndex: reIndexPolicySchema.optional(),
});
export type WorkloadPolicies = z.infer<typeof workloadPoliciesSchema>;

/** Where the results of each workload's jobs are taken, for those that the stage has. */
export const workloadQueuesSchema = z.partialRecord(z.enum(WORKLOADS), z.url());
export type WorkloadQueues = z.infer<typeof workloadQueuesSchema>;

/** The workload that a result is for; undefined: it is for its tenant. */
export function workloadOf(agentId: string | null, policies: WorkloadPolicies): Workload | undefined {
  return WORKLOADS.find((name) => WORKLOAD_AGENTS[name] === agentId && policies[name] !== undefined);
}
