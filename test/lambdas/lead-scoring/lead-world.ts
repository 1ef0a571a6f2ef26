import { z } from "zod";
import type { JobInput } from "../../../client/submit-jobs.ts";
import { MemoryObjectStore } from "../../../lambdas/adapters/memory-object-store.ts";
import { MemoryTenants } from "../../../lambdas/adapters/memory-tenants.ts";
import { MemoryWorkloadRecords } from "../../../lambdas/adapters/memory-workload-records.ts";
import { checkLeads } from "../../../lambdas/check-leads/check-leads.ts";
import type { Draft } from "../../../lambdas/domain/lead-scoring/draft.ts";
import { DRAFT, LEAD_ROW, LEAD_RUN, leadKeys } from "../../../lambdas/domain/lead-scoring/lead-records.ts";
import type { LeadRow } from "../../../lambdas/domain/lead-scoring/lead-row.ts";
import type { LeadRun } from "../../../lambdas/domain/lead-scoring/lead-run.ts";
import { type TenantId, tenantIdSchema } from "../../../lambdas/domain/ids.ts";
import { leadsPrefix } from "../../../lambdas/domain/object-keys.ts";
import type { ResultMessage } from "../../../lambdas/domain/result-message.ts";
import { tenantPolicySchema } from "../../../lambdas/domain/tenant-policy.ts";
import { draftLeads } from "../../../lambdas/draft-leads/draft-leads.ts";
import { findLeadRuns } from "../../../lambdas/find-lead-runs/find-lead-runs.ts";
import { renderDrafts } from "../../../lambdas/render-drafts/render-drafts.ts";
import { runStepSchema } from "../../../lambdas/score-leads/held-run.ts";
import { scoreLeads } from "../../../lambdas/score-leads/score-leads.ts";
import { takeLeadAnswers } from "../../../lambdas/take-lead-answers/take-lead-answers.ts";
import type { Json } from "../../../local/step-functions/json.ts";
import { StateMachine } from "../../../local/step-functions/state-machine.ts";
import { StatesError } from "../../../local/step-functions/states-error.ts";
import { VirtualClock } from "../../../local/step-functions/virtual-clock.ts";
import { gather } from "../../contracts/gather.ts";
import { resourcesOf, templateOf } from "../../lib/stage-template.ts";

const HOUR = 3_600_000;
const TICK = HOUR / 4;

const machineSchema = z.object({ StateMachineName: z.string(), DefinitionString: z.string() });
const definition = Object.values(
  resourcesOf(templateOf({ workloads: { leadScoring: true } }), "AWS::StepFunctions::StateMachine"),
)
  .map((machine) => machineSchema.parse(machine))
  .find(({ StateMachineName }) => StateMachineName.endsWith("-LeadScoring"))?.DefinitionString;

export type FunctionName = "FindLeadRuns" | "ScoreLeads" | "CheckLeads" | "DraftLeads" | "RenderDrafts";
export type CrashTime = "before" | "half-way" | "after";

/** The night's work in virtual time: the machine of the template, the real use cases, and a gateway that answers jobs. */
export class LeadWorld {
  readonly clock: VirtualClock;
  readonly records = new MemoryWorkloadRecords();
  readonly tenants = new MemoryTenants();
  readonly objects: MemoryObjectStore;
  /** Bodies of the jobs that were sent, by tenant and key: one, unless a key was used for two different jobs. */
  readonly jobs = new Map<string, Set<string>>();
  /** Milliseconds after which a job is answered; undefined: never. */
  answersAfter: (job: JobInput) => number | undefined = () => HOUR / 2;
  /** What a model answers. */
  answer: (job: JobInput) => object = (job) =>
    taskOf(job).step === "score"
      ? { score: scoreOf(taskOf(job).leadId), reason: "because" }
      : { subject: "Hello", paragraphs: ["Dear lead,", "Yours"] };
  /** Whether the schedule fires at some time. */
  fires: (at: number) => boolean = () => true;
  readonly #machine: StateMachine;
  #crash: { readonly name: FunctionName; readonly when: CrashTime } | undefined;
  #ticks = 0;

  constructor(start: string) {
    this.clock = new VirtualClock(Date.parse(start));
    this.objects = new MemoryObjectStore({ now: () => this.clock.now() });
    this.#machine = StateMachine.load(definition, {
      arn: "arn:aws:states:eu-central-1:111122223333:stateMachine:LeadScoring",
      clock: this.clock,
      random: () => 0.5,
      services: {
        invokeFunction: (arn, payload) => this.#invoke(functionName(arn), payload),
        startExecution: () => Promise.reject(new Error("starts no executions")),
      },
    });
  }

  get executions() {
    return this.#machine.executions;
  }

  async putTenant(tenantId: string, leadScoring: object): Promise<TenantId> {
    const policy = tenantPolicySchema.parse({ tenantId, workloads: { leadScoring } });
    const updatedAt = this.clock.now();
    await this.tenants.put({ version: 1, policy, salt: "s".repeat(32), revision: 1, updatedAt });
    return tenantIdSchema.parse(tenantId);
  }

  async dropLeads(
    tenantId: TenantId,
    day: string,
    ids: readonly string[],
    more: string[] = [],
  ): Promise<void> {
    const lines = ids.map((id) => JSON.stringify({ id, name: `Lead ${id}`, email: `${id}@example.com` }));
    await this.objects.put(`${leadsPrefix(tenantId, day)}leads.jsonl`, [...lines, ...more].join("\n"));
  }

  /** The first execution that reaches the function dies there, with its worker. */
  crashAt(name: FunctionName, when: CrashTime): void {
    this.#crash = { name, when };
  }

  get crashed(): boolean {
    return this.#crash === undefined;
  }

  /** Lets time pass, the schedule firing every quarter of an hour. */
  async passHours(hours: number): Promise<void> {
    const end = this.clock.now() + hours * HOUR;
    while (this.clock.now() < end) {
      // A clock without timers stands still.
      const tick = this.clock.sleep(TICK, new AbortController().signal);
      await this.clock.runUntilSettled(tick);
      if (this.fires(this.clock.now())) this.start({});
    }
  }

  start(input: Json): void {
    this.#machine.startExecution({ name: `tick-${(this.#ticks += 1)}`, input });
  }

  runs(tenantId: TenantId): Promise<LeadRun[]> {
    return gather(this.records.list(LEAD_RUN, leadKeys.runs(tenantId)));
  }

  leads(tenantId: TenantId, day: string): Promise<LeadRow[]> {
    return gather(this.records.list(LEAD_ROW, leadKeys.leads(tenantId, day)));
  }

  drafts(tenantId: TenantId): Promise<Draft[]> {
    return gather(this.records.list(DRAFT, leadKeys.drafts(tenantId)));
  }

  async #invoke(name: string, payload: Json): Promise<Json> {
    const crash = this.#crash?.name === name ? this.#crash : undefined;
    if (crash !== undefined) this.#crash = undefined;
    if (crash?.when === "before") return this.#die();
    const result = await this.#perform(name, payload, crash?.when === "half-way");
    return crash === undefined ? result : this.#die();
  }

  /** The execution that called is gone, and no answer comes. */
  #die(): Promise<never> {
    for (const execution of this.#machine.executions)
      if (execution.status === "RUNNING") execution.stop("Crash", "the execution died");
    return new Promise(() => undefined);
  }

  /** Half-way: nothing is written any more from the second write on. */
  async #perform(name: string, payload: Json, halfWay: boolean): Promise<Json> {
    const ports = {
      tenants: this.tenants,
      records: halfWay ? this.#dyingRecords() : this.records,
      objects: this.objects,
      now: () => this.clock.now(),
      jobs: { send: async (jobs: readonly JobInput[]) => this.#send(halfWay ? jobs.slice(0, 1) : jobs) },
    };
    try {
      return await this.#useCase(name, payload, ports);
    } catch (error) {
      if (halfWay) return null;
      // As Lambda reports it.
      throw new StatesError(error instanceof Error ? error.name : "Error", "");
    }
  }

  #dyingRecords(): MemoryWorkloadRecords {
    let left = 2;
    const dying: MemoryWorkloadRecords = Object.create(this.records, {
      decide: {
        value: (...args: Parameters<MemoryWorkloadRecords["decide"]>) => {
          if ((left -= 1) < 0) throw new Error("the worker died");
          return this.records.decide(...args);
        },
      },
      get: { value: this.records.get.bind(this.records) },
      list: { value: this.records.list.bind(this.records) },
    });
    return dying;
  }

  async #useCase(name: string, payload: Json, ports: Parameters<typeof scoreLeads>[1]): Promise<Json> {
    switch (name) {
      case "FindLeadRuns":
        return { runs: await findLeadRuns(findSchema.parse(payload), ports) };
      case "ScoreLeads":
        return scoreLeads(runStepSchema.parse(payload), ports);
      case "CheckLeads":
        return checkLeads(checkSchema.parse(payload), ports);
      case "DraftLeads":
        return draftLeads(runStepSchema.parse(payload), ports);
      case "RenderDrafts":
        return renderDrafts(runStepSchema.parse(payload), ports);
      default:
        throw new Error(`there is no function ${name}`);
    }
  }

  /** Takes jobs as the gateway does: one for each key, whose result is delivered twice. */
  #send(jobs: readonly JobInput[]): void {
    for (const job of jobs) {
      const key = `${job.tenantId} ${job.idempotencyKey}`;
      const bodies = this.jobs.get(key) ?? new Set();
      const known = bodies.size > 0;
      this.jobs.set(key, bodies.add(JSON.stringify(job.request)));
      const after = this.answersAfter(job);
      if (!known && after !== undefined)
        for (const again of [0, 1]) void this.#answer(job, after + again * 60_000);
    }
  }

  async #answer(job: JobInput, after: number): Promise<void> {
    await this.clock.sleep(after, new AbortController().signal);
    const body = JSON.stringify(resultOf(job, this.answer(job), this.clock.now()));
    await takeLeadAnswers(body, {
      objects: this.objects,
      records: this.records,
      now: () => this.clock.now(),
    });
  }
}

const findSchema = z.object({
  holder: z.string(),
  rerun: z.object({ tenantId: tenantIdSchema, day: z.string() }).nullable(),
});
const checkSchema = runStepSchema.extend({ what: z.enum(["scores", "drafts"]) });
const taskSchema = z.object({ step: z.string(), leadId: z.string(), day: z.string() });

export function taskOf({ metadata }: JobInput): z.infer<typeof taskSchema> {
  return taskSchema.parse(metadata);
}

/** `a-80` is worth 80. */
export function scoreOf(leadId: string): number {
  return Number(leadId.split("-").at(-1));
}

function functionName(arn: string): string {
  return arn.slice(arn.lastIndexOf(":") + 1).replace(/^WorkloadsLeadScoring(\w+)[0-9A-F]{8}$/, "$1");
}

/** What the gateway tells of a job that succeeded with this text. */
export function resultOf(job: JobInput, content: object, now: number): ResultMessage {
  const usage = {
    inputTokens: 1,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 1,
    reasoningTokens: 0,
  };
  const message = { role: "assistant", content: JSON.stringify(content) };
  const { tenantId, idempotencyKey, taskType, vertical, agentId, metadata = {} } = job;
  return {
    version: 1,
    jobId: "a".repeat(26) as ResultMessage["jobId"],
    messageId: null,
    tenantId: tenantIdSchema.parse(tenantId),
    idempotencyKey,
    taskType,
    vertical,
    agentId,
    status: "succeeded",
    late: false,
    response: { choices: [{ finish_reason: "stop", message }] },
    error: null,
    provider: "openai",
    model: "gpt-5-nano",
    tier: "low",
    lane: "batch",
    attempts: 1,
    usage,
    costMicroUsd: 1,
    syncCostMicroUsd: 2,
    costPicoUsd: "1000000",
    producedAt: new Date(now).toISOString(),
    effectiveUntil: null,
    result: null,
    metadata,
  };
}
