import { z } from "zod";
import type { LocalGateway } from "../../local/gateway/local-gateway.ts";

/** More than the workers that the killer may take from it. */
const TRIES = 5;

const payloadSchema = z.object({ batches: z.number(), differences: z.number() });

/** What the gateway's own daily reconciliation says of the run, in words; asked again when its worker is killed. */
export async function reconcileFaults({ stack }: LocalGateway): Promise<string[]> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const result = await stack.invoke("ReconcileBatches", {});
    if (result.kind === "failed") continue;
    const { batches, differences } = payloadSchema.parse(JSON.parse(result.payload));
    if (batches === 0) return ["the reconciliation finds no batches"];
    return differences === 0 ? [] : [`the reconciliation finds ${differences} differences`];
  }
  return [`the reconciliation failed ${TRIES} times`];
}
