import { type ResultMessage, resultEnvelopeSchema } from "../../lambdas/domain/result-message.ts";
import { MINUTE } from "./simulation-clock.ts";
import type { World } from "./world.ts";

/** A result as a tenant was told it. `content` is the same for every copy of it, wherever it lies. */
export type Told = { readonly tenantId: string; readonly result: ResultMessage; readonly content: string };

/** Everything that tenants were told, by the tenant that was told it. */
export function toldResults({ told, workload, violations }: World): Told[] {
  return workload.tenants.flatMap(({ tenant, queueUrl }) => {
    const { tenantId } = tenant.policy;
    const results = (told.bodies.get(queueUrl) ?? []).flatMap((body, number): ResultMessage[] => {
      const json = JSON.parse(body) as { readonly results?: ResultMessage[] } & ResultMessage;
      // Checking one of each tenant is enough: they are all made in the same place.
      if (number === 0 && !resultEnvelopeSchema.safeParse(json).success)
        violations.add("results are as published", body.slice(0, 300), []);
      return json.results ?? [json];
    });
    return results.map((result) => {
      const { result: _place, ...content } = result;
      return { tenantId, result, content: JSON.stringify(content) };
    });
  });
}

/** What a result says of time must follow from when it was made. */
export function checkTimes(
  world: World,
  { result }: Told,
  job: { readonly deadline: number | null; readonly effectiveForSeconds: number | null },
): void {
  const { status, late, producedAt, effectiveUntil, jobId } = result;
  const fail = (what: string) => world.violations.add("nothing stale passes for fresh", what, [jobId ?? ""]);
  const produced = Date.parse(producedAt);
  if (produced > world.clock.now() + MINUTE) fail(`${jobId} was produced in the future: ${producedAt}`);
  if (job.deadline !== null && status !== "cancelled" && late !== produced > job.deadline)
    fail(
      `${jobId} says late: ${late}, was due ${new Date(job.deadline).toISOString()} and made ${producedAt}`,
    );
  const until =
    status === "succeeded" && job.effectiveForSeconds !== null
      ? produced + job.effectiveForSeconds * 1000
      : null;
  if ((effectiveUntil === null ? null : Date.parse(effectiveUntil)) !== until)
    fail(`${jobId} is effective until ${effectiveUntil}`);
}
