import type { JobInput } from "../../client/submit-jobs.ts";
import { readCalls, SAMPLE_CALLS } from "../../local/demo/calls.ts";
import { jobsOfCalls, repeatsOf } from "../../local/demo/jobs.ts";
import { type Random, shuffledIndexes } from "../../local/provider-simulator/seeded-random.ts";

const JOBS = 40;
/** Of the demo's jobs hardly any is urgent; here every so many are, so that direct calls are under way to be cut off. */
const URGENT_EVERY = 4;
/** Too little time for most batches, and enough for a flex call, which is cheaper than one at once. */
const FLEX_MS = 25 * 60_000;

/** Some of the demo's jobs, chosen by the seed, and the repeats that are sent after them. */
export async function chaosJobs(random: Random): Promise<{ jobs: JobInput[]; repeats: JobInput[] }> {
  const all = jobsOfCalls(await readCalls(SAMPLE_CALLS, Infinity));
  const chosen = [...shuffledIndexes(all.length, random)].slice(0, JOBS).flatMap((index) => all[index] ?? []);
  const deadline = new Date(Date.now() + FLEX_MS).toISOString();
  const jobs = chosen.map((job, number) => {
    if (number % URGENT_EVERY === 0) return { ...job, taskType: "email_draft" };
    const isForFlex = number % URGENT_EVERY === 1 && job.taskType === "post_call_summary";
    return isForFlex ? { ...job, deadline, request: costly(job.request) } : job;
  });
  // The demo's own, and one of every fourth besides: urgent ones and patient ones.
  return { jobs, repeats: [...repeatsOf(jobs), ...jobs.filter((_job, number) => number % 8 < 2)] };
}

/** The same for a model at whose price it pays to wait for a flex call. */
function costly(request: JobInput["request"]): JobInput["request"] {
  if (!("body" in request)) return request;
  return { ...request, body: { ...request.body, model: "gpt-5-mini", max_completion_tokens: 2000 } };
}
