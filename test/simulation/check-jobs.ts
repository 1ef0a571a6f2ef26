import type { EndedJob } from "../../lambdas/domain/job-state.ts";
import { MAX_ATTEMPTS } from "../../lambdas/domain/job-state.ts";
import { vectorOf } from "./model-answers.ts";
import { DAY } from "./simulation-clock.ts";
import { checkTimes, type Told } from "./told-results.ts";
import type { SimulatedJob } from "./workload-types.ts";
import type { World } from "./world.ts";

/** A job is tried a round in batches, and a round by itself from the dead letters; only then it may fail. */
const TRIES_BEFORE_FAILING = 2 * MAX_ATTEMPTS;
const MOST_ATTEMPTS = 100;

/** Each job ended once, as it ought to, and its tenant was told so, with its own answer and nobody else's. */
export async function checkJobs(world: World, told: readonly Told[]): Promise<void> {
  const byJob = Map.groupBy(
    told.filter(({ result }) => result.jobId !== null),
    ({ tenantId, result }) => `${tenantId}#${result.jobId}`,
  );
  for (const job of world.workload.jobs) {
    const name = `${job.tenantId}#${job.jobId}`;
    const results = byJob.get(name) ?? [];
    byJob.delete(name);
    const stored = await world.jobs.get(job.tenantId, job.jobId);
    if (stored?.state === "ended") await checkJob(world, job, stored, results);
    else
      fail(
        world,
        "no job is lost",
        job,
        `is ${stored?.state ?? "unknown"} at attempt ${stored?.attempt ?? 0}`,
      );
  }
  for (const [name, [first]] of byJob)
    world.violations.add("tenants are apart", `${name} was told ${first?.content}`, [name]);
}

function fail(world: World, invariant: string, { tenantId, key, jobId }: SimulatedJob, what: string): void {
  world.violations.add(invariant, `${tenantId}/${key} (${jobId}): ${what}`, [jobId]);
}

async function checkJob(
  world: World,
  job: SimulatedJob,
  stored: EndedJob,
  results: readonly Told[],
): Promise<void> {
  const ends = results.filter(({ result }) => result.status !== "rejected");
  if (!ends.some(({ result }) => result.status === stored.status && result.result?.key === stored.result.key))
    fail(world, "each tenant is told", job, `ended ${stored.status}, was told ${statuses(ends)}`);
  const contents = new Map(ends.map((one) => [one.content, one]));
  // Only asking for another try opens a job again. One of several such messages may come again after the others.
  if (contents.size > 1 + job.retries && job.retries < 2)
    fail(world, "each job ends once", job, `was told ${[...contents.keys()].join(" and ")}`);
  for (const one of contents.values()) {
    checkContent(world, job, one);
    checkTimes(world, one, job);
  }
  if (stored.attempt > MOST_ATTEMPTS)
    fail(world, "attempts are bounded", job, `is at attempt ${stored.attempt}`);
  checkStatus(world, job, stored, ends);
  const bytes = await world.objects.getRange(stored.result.key, stored.result.offset, stored.result.length);
  const kept = Buffer.from(bytes).toString().trimEnd();
  if (ends.length > 0 && !contents.has(kept))
    fail(world, "each tenant is told", job, `keeps ${kept.slice(0, 200)}, and told something else`);
}

function statuses(results: readonly Told[]): string {
  return results.map(({ result }) => result.status).join(", ") || "nothing";
}

/** Only who sent a request gets its answer, whole and as it came. */
function checkContent(world: World, job: SimulatedJob, { tenantId, result, content }: Told): void {
  const wrong = (what: string) => fail(world, "tenants are apart", job, `${what}: ${content.slice(0, 400)}`);
  if (result.tenantId !== tenantId || result.idempotencyKey !== job.key) wrong("is told as another's");
  const secrets = [...content.matchAll(/re: (\w{16})/g)].map(([, secret = ""]) => secret);
  if (secrets.some((secret) => !job.secrets.includes(secret))) wrong("holds another's answer");
  if (result.status !== "succeeded") {
    if (result.response !== null || result.error === null)
      wrong(`is ${result.status} and says nothing of why`);
    return;
  }
  const own =
    job.endpoint === "/v1/embeddings"
      ? job.secrets.some((secret) => content.includes(JSON.stringify(vectorOf(secret))))
      : secrets.length > 0;
  if (!own) wrong("lacks its own answer");
}

/** Calls that met an empty account use up a round, too; but the round that ends a job is all its own. */
function leastTries({ tries, clock }: World, { jobId, deadline }: SimulatedJob): number {
  // Long past its deadline it ends over anything.
  const isOverdue = deadline !== null && clock.now() > deadline + 7 * DAY;
  if (isOverdue) return 0;
  return tries.isExcused(jobId) ? MAX_ATTEMPTS : TRIES_BEFORE_FAILING;
}

/** Whose fault it was decides how a job may end. */
function checkStatus(world: World, job: SimulatedJob, stored: EndedJob, ends: readonly Told[]): void {
  const wrong = (invariant: string, why: string) =>
    fail(
      world,
      invariant,
      job,
      `is ${stored.status} after ${world.tries.of(job.jobId)} tries of its own: ${why}; ${ends[0]?.content.slice(0, 500)}`,
    );
  switch (stored.status) {
    case "succeeded":
      if (job.trouble !== "none") wrong("each job ends as it ought to", `it was refused for ${job.trouble}`);
      return;
    case "failed":
      if (job.trouble === "none" && world.tries.of(job.jobId) < leastTries(world, job))
        wrong("no job fails without its own fault", "nothing that it did");
      return;
    case "cancelled":
      if (job.cancels === 0) wrong("each job ends as it ought to", "nobody cancelled it");
      return;
    case "expired":
      if (job.deadline === null || stored.endedAt < job.deadline + 7 * DAY)
        wrong("each job ends as it ought to", "it had time left");
      return;
    case "rejected":
      wrong("each job ends as it ought to", "it was admitted");
  }
}
