import { type EndPorts, endUnanswered } from "../admit-jobs/end-unanswered.ts";
import type { JobHeader } from "../domain/job-record.ts";
import { failedResult } from "../domain/settle-line.ts";

const EXPIRED = {
  code: "expired",
  message: "nobody could run the job until long after it was due; nothing was billed for this attempt",
};

/** Ends a job that waited for too long, if it still waits for the attempt that the request names. */
export async function expireJob(
  job: JobHeader,
  attempt: number,
  ports: EndPorts,
): Promise<"ended" | "left" | "unknown"> {
  const { tenantId, jobId } = job;
  return endUnanswered(
    {
      tenantId,
      jobId,
      endedBy: `expire-${jobId}-${attempt}`,
      concerns: (found) => found.state === "queued" && found.attempt === attempt,
      resultOf: async ({ lane }) => {
        const context = { lane, producedAt: ports.runtime.now() };
        return failedResult(job, attempt, EXPIRED, context, "expired");
      },
    },
    ports,
  );
}
