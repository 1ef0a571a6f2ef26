import type { JobInput } from "../../client/submit-jobs.ts";
import { tenantIdSchema } from "../../lambdas/domain/ids.ts";
import { addDays, localMoment } from "../../lambdas/domain/lead-scoring/local-time.ts";
import { inboxPrefix, knowledgePrefix, leadsPrefix } from "../../lambdas/domain/object-keys.ts";
import { type TenantPolicy, tenantsFileSchema } from "../../lambdas/domain/tenant-policy.ts";
import type { Tier } from "../../lambdas/domain/vocabulary.ts";
import type { Workload } from "../../lambdas/domain/workloads.ts";
import { type Call, readCalls, SAMPLE_CALLS, transcriptOf } from "../../local/demo/calls.ts";
import { LEAD_TENANTS } from "../../local/demo/lead-scoring/demo-tenants.ts";
import { REQUESTS } from "../../local/demo/requests.ts";
import { sendJobs } from "../../local/demo/send-jobs.ts";
import { DEMO_TENANTS } from "../../local/demo/tenants.ts";
import type { LocalGateway } from "../../local/gateway/local-gateway.ts";
import type { operatorClients } from "../../local/gateway/operator-clients.ts";

/** Who uses the gateway on a day: from outside, as tenants' apps do. */
export type App = {
  readonly gateway: LocalGateway;
  readonly clients: ReturnType<typeof operatorClients>;
  readonly signal: AbortSignal;
};

export type Day = {
  readonly name: string;
  /** What one item is, in the plural. */
  readonly items: string;
  readonly tenants: readonly TenantPolicy[];
  readonly workloads: readonly Workload[];
  /** Hands in items with these numbers. */
  send(numbers: readonly number[], app: App): Promise<void>;
  /** Whether all items come at the beginning, as a night's work does, and not over the day. */
  readonly isAtOnce: boolean;
  /** Functions' counts, `<service>/<metric>`, that add up to the items that have come to their end. */
  readonly doneBy: readonly string[];
  /** What else is reported, by the function's count that tells it. */
  readonly alsoCounted?: Readonly<Record<string, string>>;
};

const TENANTS = DEMO_TENANTS.map(({ tenantId }) => tenantId);
const POLICIES = tenantsFileSchema.parse(TENANTS.map((tenantId) => ({ tenantId })));
/** Characters of a call: some 2,000 tokens, ten minutes of talk. */
const CALL_CHARACTERS = 8_000;
const LEAD_CHARACTERS = 2_000;
const DOCUMENT_CHARACTERS = 3_600;
const CALLS = (await readCalls(SAMPLE_CALLS, Infinity)).map(prolonged);

/** The call with its turns repeated until it is as long as real ones. */
function prolonged(call: Call): Call {
  const repeats = Math.ceil(CALL_CHARACTERS / transcriptOf(call).length);
  return { ...call, turns: Array.from({ length: repeats }, () => call.turns).flat() };
}

function callOf(number: number): Call {
  const call = CALLS[number % CALLS.length];
  if (call === undefined) throw new Error("there are no sample calls");
  return call;
}

function tenantOf(number: number) {
  return tenantIdSchema.parse(TENANTS[number % TENANTS.length]);
}

const NOTHING: Day = {
  name: "nothing",
  items: "items",
  tenants: POLICIES,
  workloads: [],
  send: async () => undefined,
  isAtOnce: true,
  doneBy: [],
};

/** Summaries of calls as plain jobs of a tier. */
export function jobsOf(tier: Tier): Day {
  const jobOf = (number: number): JobInput => ({
    tenantId: tenantOf(number),
    idempotencyKey: `call-${number}/summary`,
    taskType: "post_call_summary",
    vertical: callOf(number).vertical,
    agentId: "bench",
    tier,
    request: REQUESTS.summary(transcriptOf(callOf(number))),
  });
  return {
    name: tier,
    items: `${tier} jobs`,
    tenants: POLICIES,
    workloads: [],
    send: (numbers, { gateway, clients, signal }) =>
      sendJobs(numbers.map(jobOf), gateway.outputs, clients.sqs, signal),
    isAtOnce: false,
    doneBy: ["deliver-results/ResultsDelivered", "run-job/DirectJobsEnded", "run-flex/DirectJobsEnded"],
  };
}

const POST_CALL: Day = {
  name: "post-call",
  items: "calls",
  tenants: tenantsFileSchema.parse(
    DEMO_TENANTS.map(({ tenantId, vertical }) => ({ tenantId, workloads: { postCall: { vertical } } })),
  ),
  workloads: ["postCall"],
  send: async (numbers, { clients }) => {
    for (const number of numbers) {
      const call = { ...callOf(number), call_id: `call-${number}` };
      await clients.objects.put(`${inboxPrefix(tenantOf(number))}call-${number}.json`, JSON.stringify(call));
    }
  },
  isAtOnce: false,
  doneBy: ["take-analyses/AnalysesDelivered"],
};

/** The simulator's scores are spread evenly: one lead in five is drafted. */
const LEAD_POLICIES: readonly TenantPolicy[] = LEAD_TENANTS.map(({ workloads, ...policy }) => ({
  ...policy,
  workloads: { leadScoring: workloads.leadScoring && { ...workloads.leadScoring, threshold: 80 } },
}));

const LEADS: Day = {
  name: "lead-scoring",
  items: "leads",
  tenants: LEAD_POLICIES,
  workloads: ["leadScoring"],
  send: async (numbers, { clients }) => {
    for (const [place, policy] of LEAD_POLICIES.entries()) {
      const own = numbers.filter((number) => number % LEAD_POLICIES.length === place);
      const lines = own.map((number) => `${JSON.stringify(leadOf(number))}\n`).join("");
      const prefix = leadsPrefix(policy.tenantId, yesterdayOf(policy));
      if (own.length > 0) await clients.objects.put(`${prefix}leads.jsonl`, lines);
    }
  },
  isAtOnce: true,
  // The rest of a run is a state machine: the stack is not at rest before it ends.
  doneBy: ["score-leads/LeadsFound"],
  alsoCounted: { drafts: "render-drafts/DraftsRendered" },
};

function yesterdayOf({ workloads }: TenantPolicy): string {
  return addDays(localMoment(Date.now(), workloads.leadScoring?.timeZone ?? "UTC").day, -1);
}

function leadOf(number: number) {
  return {
    id: `lead-${number}`,
    name: `Lead ${number}`,
    email: `lead-${number}@example.com`,
    transcript: transcriptOf(callOf(number)).slice(0, LEAD_CHARACTERS),
  };
}

/** Documents that are new: no text of theirs has been embedded before. */
const RE_INDEX: Day = {
  name: "re-index",
  items: "documents",
  tenants: tenantsFileSchema.parse(TENANTS.map((tenantId) => ({ tenantId, workloads: { reIndex: {} } }))),
  workloads: ["reIndex"],
  send: async (numbers, { clients }) => {
    for (const number of numbers) {
      const body = documentOf(number);
      await clients.objects.put(`${knowledgePrefix(tenantOf(number))}document-${number}.md`, body);
    }
  },
  isAtOnce: false,
  doneBy: ["take-embeddings/DocumentsPublished", "take-documents/DocumentsPublished"],
};

/** Some 1,000 tokens, two chunks, each with words of its own. */
function documentOf(number: number): string {
  const lines = transcriptOf(callOf(number)).slice(0, DOCUMENT_CHARACTERS).split("\n");
  return lines.map((line, place) => `${line} (${number}.${place})`).join("\n\n");
}

export const DAYS: readonly Day[] = [NOTHING, jobsOf("low"), jobsOf("high"), POST_CALL, LEADS, RE_INDEX];
