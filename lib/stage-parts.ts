import type { FunctionStage } from "./gateway-function.ts";
import type { ProviderAccounts } from "./provider-accounts.ts";
import type { Queues } from "./queues.ts";
import type { Storage } from "./storage.ts";

/** What everything that runs is built on. */
export type StageParts = {
  readonly stage: FunctionStage;
  readonly storage: Storage;
  readonly queues: Queues;
  readonly accounts: ProviderAccounts;
};
