import { type SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import type { TenantId } from "../domain/ids.ts";
import type { Day } from "../domain/lead-scoring/local-time.ts";

/** The way to a run of lead scoring that no schedule starts. */
export interface LeadRuns {
  /** Starts the run of one tenant's day, whether it is due or done. `name` becomes the run's holder; returns the ARN. */
  start(run: { readonly tenantId: TenantId; readonly day: Day }, name: string): Promise<string>;
}

/** The state machine LeadScoring, by its ARN. */
export class SfnLeadRuns implements LeadRuns {
  readonly #client: SFNClient;
  readonly #machineArn: string;

  constructor(client: SFNClient, machineArn: string) {
    this.#client = client;
    this.#machineArn = machineArn;
  }

  async start({ tenantId, day }: Parameters<LeadRuns["start"]>[0], name: string): Promise<string> {
    // Named, so that the SDK's retry after a lost answer finds the first execution and starts no second one.
    const { executionArn = "" } = await this.#client.send(
      new StartExecutionCommand({
        stateMachineArn: this.#machineArn,
        name,
        input: JSON.stringify({ rerun: { tenantId, day } }),
      }),
    );
    return executionArn;
  }
}
