import type { JobInput } from "../../client/submit-jobs.ts";
import { readCalls, SAMPLE_CALLS } from "../../local/demo/calls.ts";
import { jobsOfCalls, repeatsOf } from "../../local/demo/jobs.ts";
import { type Random, shuffledIndexes } from "../../local/provider-simulator/seeded-random.ts";

const JOBS = 40;
/** Of the demo's jobs hardly any is urgent; here every so many are, so that direct calls are under way to be cut off. */
const URGENT_EVERY = 4;

/** Some of the demo's jobs, chosen by the seed, and the repeats that are sent after them. */
export async function chaosJobs(random: Random): Promise<{ jobs: JobInput[]; repeats: JobInput[] }> {
  const all = jobsOfCalls(await readCalls(SAMPLE_CALLS, Infinity));
  const chosen = [...shuffledIndexes(all.length, random)].slice(0, JOBS).flatMap((index) => all[index] ?? []);
  const jobs = chosen.map((job, number) =>
    number % URGENT_EVERY === 0 ? { ...job, taskType: "email_draft" } : job,
  );
  // The demo's own, and one of every fourth besides: urgent ones and patient ones.
  return { jobs, repeats: [...repeatsOf(jobs), ...jobs.filter((_job, number) => number % 8 < 2)] };
}
