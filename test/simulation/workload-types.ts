import type { JobId, TenantId } from "../../lambdas/domain/ids.ts";
import type { Tenant } from "../../lambdas/domain/tenant-policy.ts";
import type { Endpoint, Provider, Tier } from "../../lambdas/domain/vocabulary.ts";
import type { Trouble } from "./model-answers.ts";

/** A tenant of a run: the last ones share batches with nobody, the first allows only its own sender. */
export type SimulatedTenant = { readonly tenant: Tenant; readonly queueUrl: string; readonly sender: string };

/** A job that a tenant sends, perhaps several times, and what is known of it from outside. */
export type SimulatedJob = {
  readonly tenantId: TenantId;
  readonly key: string;
  readonly jobId: JobId;
  readonly provider: Provider;
  readonly endpoint: Endpoint;
  readonly model: string;
  /** Of the request; a second body under the same key has the other. */
  readonly secrets: readonly string[];
  readonly trouble: Trouble;
  readonly taskType: string;
  readonly tier: Tier;
  readonly deadline: number | null;
  readonly effectiveForSeconds: number | null;
  readonly retries: number;
  readonly cancels: number;
  /** It is cancelled right after it was sent, and sent again right after that. */
  readonly wavers: boolean;
};

/** One message that somebody puts on a queue, and what must come of it where it does not become a job. */
export type Sending = {
  readonly at: number;
  readonly queue: Tier;
  readonly senderId: string;
  readonly body: string;
  /** An upload that the message names, put before it is sent. */
  readonly upload: { readonly key: string; readonly text: string } | null;
  readonly expect: "job" | "cancel" | "rejected" | "kept";
  /** Says what a run without this one leaves out. */
  readonly jobId: string | null;
};

export type Workload = {
  readonly tenants: readonly SimulatedTenant[];
  readonly jobs: readonly SimulatedJob[];
  readonly sendings: readonly Sending[];
};
