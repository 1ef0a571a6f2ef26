import { PORT_FAULTS } from "./port-faults.ts";
import { PROVIDER_FAULTS } from "./provider-faults.ts";
import type { Tally } from "./tally.ts";
import { WORLD_FAULTS } from "./world-faults.ts";

/** How often each fault must have happened in a full simulation, and each call been cut off on either side. */
const LEAST_FAULTS = 20;
const LEAST_CRASHES = 5;

/** What was not exercised often enough, in words; empty when a simulation covered what it is for. */
export function gapsOf(tally: Tally): string[] {
  const gaps: string[] = [];
  for (const fault of [...Object.keys(PROVIDER_FAULTS), ...WORLD_FAULTS]) {
    const count = tally.of("faults", fault);
    if (count < LEAST_FAULTS) gaps.push(`fault "${fault}": ${count} of ${LEAST_FAULTS} times`);
  }
  for (const fault of PORT_FAULTS)
    if (tally.total(fault) < LEAST_FAULTS)
      gaps.push(`port fault "${fault}": ${tally.total(fault)} of ${LEAST_FAULTS} times`);
  for (const site of tally.names("calls")) {
    for (const side of ["crash-before", "crash-after"]) {
      const count = tally.of(side, site);
      if (count < LEAST_CRASHES)
        gaps.push(
          `${side} of ${site}: ${count} of ${LEAST_CRASHES} times, in ${tally.of("calls", site)} calls`,
        );
    }
  }
  return gaps;
}
