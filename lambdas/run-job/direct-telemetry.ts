import { count, logFailure, logger, measure } from "../runtime/telemetry.ts";
import type { RunPorts } from "./direct-work.ts";

/** What the functions of the direct lanes tell of their calls: numbers and ids. */
export const directTelling: NonNullable<RunPorts["tell"]> = {
  ran: ({ tier, overheadMs }) => {
    if (tier === "critical") measure({ CriticalOverheadMs: overheadMs });
  },
  delayed: ({ tenantId, jobId, waitedMs }) => {
    count({ CallsDelayedPastDue: 1 });
    logger.warn("a call had to wait until after its due time", { tenantId, jobId, waitedMs });
  },
  detoured: ({ tenantId, jobId, error }) => {
    count({ ResultsDetoured: 1 });
    logFailure("a result could not go straight to its tenant's queue", error, { tenantId, jobId });
  },
};
