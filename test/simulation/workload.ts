import { createHash } from "node:crypto";
import { jobIdOf } from "../../lambdas/domain/ids.ts";
import { tenantPolicySchema } from "../../lambdas/domain/tenant-policy.ts";
import type { Endpoint, Provider, Tier } from "../../lambdas/domain/vocabulary.ts";
import type { Sending, SimulatedJob, SimulatedTenant, Workload } from "./workload-types.ts";
import { drawMistake } from "./mistakes.ts";
import { promptOf, type Trouble } from "./model-answers.ts";
import type { Random } from "./random.ts";
import { DAY, HOUR, MINUTE, SECOND } from "./simulation-clock.ts";

/** What tenants want done, and with what. */
const MODELS = [
  { provider: "openai", endpoint: "/v1/chat/completions", model: "gpt-5-nano" },
  { provider: "openai", endpoint: "/v1/responses", model: "gpt-5-mini" },
  { provider: "openai", endpoint: "/v1/chat/completions", model: "gpt-4o-mini" },
  { provider: "openai", endpoint: "/v1/embeddings", model: "text-embedding-3-small" },
  { provider: "anthropic", endpoint: "/v1/messages", model: "claude-haiku-4-5" },
  { provider: "anthropic", endpoint: "/v1/messages", model: "claude-sonnet-5" },
] as const satisfies readonly { provider: Provider; endpoint: Endpoint; model: string }[];

const URGENT = ["live_chat_response", "email_draft"] as const;
const PATIENT = [
  "post_call_summary",
  "lead_scoring",
  "content_generation",
  "kb_embedding",
  "report_generation",
] as const;

function drawTenants(random: Random): SimulatedTenant[] {
  return Array.from({ length: 8 + random.below(3) }, (_, number) => {
    const tenantId = `tenant-${String.fromCodePoint(97 + number)}`;
    const sender = number === 0 ? "AROAFIRST" : "AROAANY";
    const queueUrl = `https://sqs.test/${tenantId}`;
    const policy = tenantPolicySchema.parse({
      tenantId,
      isolation: number >= 6 && number <= 7 ? "dedicated" : "shared",
      delivery: { type: "sqs", queueUrl },
      senders: number === 0 ? [sender] : [],
    });
    const salt = createHash("sha256").update(`salt of ${tenantId}`).digest("hex");
    return {
      tenant: { version: 1, policy, salt, revision: 1, updatedAt: 0 },
      queueUrl,
      sender: `${sender}:app`,
    };
  });
}

/** Jobs in bursts over hours and past midnight, with everything that goes wrong on a tenant's side. */
export function drawWorkload(random: Random, start: number, count: number): Workload {
  const tenants = drawTenants(random.stream("tenants"));
  const bursts = drawBursts(random.stream("bursts"), start);
  const odd = random.stream("odd").chance(0.35) ? random.stream("odd model").pick(MODELS).model : null;
  const jobs: SimulatedJob[] = [];
  const sendings: Sending[] = [];
  for (let number = 0; number < count; number += 1) {
    const own = random.stream(`job ${number}`);
    // Those who share with nobody make batches of their own: many of those would only make a run slow.
    const tenant = own.chance(0.07) ? own.pick(tenants) : own.pick(tenants.slice(0, 6));
    const burst = own.pick(bursts);
    const job = drawJob(own, number, tenant, burst, odd);
    jobs.push(job);
    sendings.push(...drawSendings(own, job, tenant, burst.at + own.next() * 1.5 * MINUTE));
  }
  for (let number = 0; number < 10; number += 1)
    sendings.push(
      drawMistake(random.stream(`mistake ${number}`), number, tenants, random.stream("at").pick(bursts).at),
    );
  return { tenants, jobs, sendings: sendings.toSorted((a, b) => a.at - b.at) };
}

type Burst = { readonly at: number; readonly models: readonly (typeof MODELS)[number][] };

function drawBursts(random: Random, start: number): Burst[] {
  const span = random.chance(0.15) ? 30 * HOUR : 8 * HOUR;
  // Each of OpenAI's models has its turn, embeddings too.
  const first = random.stream("first model").below(4);
  return Array.from({ length: random.chance(0.2) ? 3 : 2 }, (_, number) => ({
    at: start + random.next() * span,
    // Both providers in every run.
    models: [MODELS[(first + number) % 4] ?? MODELS[0], random.pick(MODELS.slice(4))],
  }));
}

function drawJob(
  random: Random,
  number: number,
  { tenant }: SimulatedTenant,
  burst: Burst,
  odd: string | null,
): SimulatedJob {
  const { tenantId } = tenant.policy;
  const { provider, endpoint, model } = random.pick(burst.models);
  const key = `job-${number}`;
  const urgent = random.chance(0.2);
  const tier: Tier = urgent
    ? random.chance(0.5)
      ? "critical"
      : "high"
    : random.chance(0.2)
      ? "normal"
      : "low";
  const secret = (name: string) =>
    createHash("sha256").update(`${tenantId}/${key}/${name}/${random.next()}`).digest("hex").slice(0, 16);
  const draw = random.next();
  const trouble: Trouble =
    model === odd
      ? "odd-parameter"
      : draw < 0.04
        ? "bad-request"
        : draw < 0.055 && !urgent
          ? "bad-row"
          : "none";
  // Some think better of it twice while the first call is still under way.
  const wavers = random.stream("wavers").chance(urgent ? (trouble === "none" ? 0.06 : 0.6) : 0.01);
  const retries = random.chance(trouble === "none" ? 0.03 : 0.3) ? 1 + random.below(2) : 0;
  const cancels = random.chance(0.06) ? 1 + random.below(2) : 0;
  return {
    tenantId,
    key,
    jobId: jobIdOf(tenant.salt, tenantId, key),
    provider,
    endpoint,
    model,
    secrets: random.chance(0.03) ? [secret("first"), secret("second")] : [secret("only")],
    trouble,
    taskType: urgent ? random.pick(URGENT) : random.pick(PATIENT),
    tier,
    deadline: drawDeadline(random, burst.at),
    effectiveForSeconds: random.chance(0.2) ? 1 + random.below(100_000) : null,
    retries: wavers ? 1 : retries,
    cancels: wavers ? 1 : cancels,
    wavers,
  };
}

/** Mostly none; some so long ago that nobody wants the answer any more. */
function drawDeadline(random: Random, at: number): number | null {
  const draw = random.next();
  if (draw < 0.015) return Math.floor(at - 8 * DAY);
  return draw < 0.15 ? Math.floor(at + random.between(MINUTE, 20 * HOUR)) : null;
}

function drawSendings(random: Random, job: SimulatedJob, tenant: SimulatedTenant, at: number): Sending[] {
  const sendings: Sending[] = [];
  const queue = () =>
    random.chance(0.08) ? random.pick(["critical", "high", "normal", "low"] as const) : job.tier;
  const add = (time: number, fields: object, expect: Sending["expect"], upload: Sending["upload"] = null) =>
    sendings.push({
      at: time,
      queue: queue(),
      senderId: tenant.sender,
      body: JSON.stringify(fields),
      upload,
      expect,
      jobId: job.jobId,
    });
  const copies = random.chance(0.12) ? 2 + random.below(2) : 1;
  for (let copy = 0; copy < copies; copy += 1) {
    const time =
      copy === 0
        ? at
        : at + (random.chance(0.5) ? random.next() * 20 * SECOND : random.next() ** 2 * 12 * HOUR);
    const message = jobMessage(random, job, 0);
    if (copy === 0 && random.chance(0.08)) {
      const upload = {
        key: `uploads/tenant=${job.tenantId}/${job.key}.json`,
        text: JSON.stringify(message.request),
      };
      add(time, { ...message, request: { s3Key: upload.key } }, "job", upload);
    } else add(time, message, "job");
  }
  if (job.secrets.length > 1) add(at + random.next() * 2 * HOUR, jobMessage(random, job, 1), "job");
  if (job.wavers) {
    const wavering = random.stream("wavering");
    const cancelledAt = at + wavering.next() * 5 * SECOND;
    add(cancelledAt, cancelMessage(job), "cancel");
    add(cancelledAt + wavering.next() * 5 * SECOND, { ...jobMessage(wavering, job, 0), retry: true }, "job");
    return sendings;
  }
  for (let retry = 0; retry < job.retries; retry += 1)
    add(at + random.between(MINUTE, 10 * HOUR), { ...jobMessage(random, job, 0), retry: true }, "job");
  for (let cancel = 0; cancel < job.cancels; cancel += 1) {
    const time = random.chance(0.2) ? at - random.next() * 5 * SECOND : at + random.next() ** 2 * 3 * HOUR;
    add(time, cancelMessage(job), "cancel");
  }
  return sendings;
}

function cancelMessage({ tenantId, key }: SimulatedJob) {
  return { version: 1, tenantId, cancel: { idempotencyKey: key } };
}

/** The message of a job; what only describes it differs from one copy to the next. */
function jobMessage(random: Random, job: SimulatedJob, body: number) {
  const { tenantId, key, taskType, tier, deadline, effectiveForSeconds, provider, endpoint } = job;
  return {
    version: 1,
    tenantId,
    idempotencyKey: key,
    taskType,
    vertical: random.pick(["salon", "healthcare", "finance"]),
    agentId: `agent-${random.below(3)}`,
    tier,
    ...(deadline !== null && { deadline: new Date(deadline).toISOString() }),
    ...(effectiveForSeconds !== null && { freshness: { effectiveForSeconds } }),
    metadata: { number: random.below(1000) },
    request: { provider, endpoint, body: requestBody(job, job.secrets[body] ?? "") },
  };
}

function requestBody({ tenantId, key, trouble, model, endpoint }: SimulatedJob, secret: string) {
  const prompt = promptOf(tenantId, key, secret, trouble);
  switch (endpoint) {
    case "/v1/embeddings":
      return { model, input: [prompt, "and another text"] };
    case "/v1/responses":
      return { model, input: prompt };
    case "/v1/messages":
      return { model, max_tokens: 1024, messages: [{ role: "user", content: prompt }] };
    case "/v1/chat/completions":
      return { model, messages: [{ role: "user", content: prompt }] };
  }
}
