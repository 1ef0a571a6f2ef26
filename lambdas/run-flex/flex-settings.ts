import { FLEX_AGAIN } from "../domain/flex-again.ts";
import { DIRECT_SETTINGS, type DirectSettings } from "../run-job/direct-work.ts";

/** Longer than RunFlex may run. */
export const FLEX_LEASE_MS = 930_000;

/** How long a worker of the flex lane may take: one long call, with a few refused ones before or one in sync after it. */
export function flexSettings(flexCallMs: number): DirectSettings {
  const { callMs } = DIRECT_SETTINGS;
  return {
    leaseMs: FLEX_LEASE_MS,
    workMs: 890_000,
    callMs: { ...callMs, flex: flexCallMs },
    hedgeShare: 0,
    flexAgain: FLEX_AGAIN,
  };
}
