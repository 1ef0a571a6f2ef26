import { PORT_FAULTS } from "./port-faults.ts";
import { PROVIDER_FAULTS } from "./provider-faults.ts";
import type { Tally } from "./tally.ts";
import { WORLD_FAULTS } from "./world-faults.ts";

/** How often each fault must have happened in a full simulation, and each call been cut off on either side. */
const LEAST_FAULTS = 20;
const LEAST_CRASHES = 5;
/** A function that makes a call less often shares what is demanded of the call with the others that make it. */
const ORDINARY_CALLS = 100;

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
  const sites = tally.names("calls");
  const methods = Map.groupBy(sites, (site) => site.slice(site.indexOf(" ") + 1));
  for (const [method, of] of methods) gaps.push(...crashGaps(tally, method, of));
  for (const site of sites)
    if (tally.of("calls", site) >= ORDINARY_CALLS) gaps.push(...crashGaps(tally, site, [site]));
  return gaps;
}

/** Crashes on either side of a call, wherever it is made from. */
function crashGaps(tally: Tally, name: string, sites: readonly string[]): string[] {
  const sum = (kind: string) => sites.reduce((total, site) => total + tally.of(kind, site), 0);
  return ["crash-before", "crash-after"].flatMap((side) =>
    sum(side) < LEAST_CRASHES
      ? [`${side} of ${name}: ${sum(side)} of ${LEAST_CRASHES} times, in ${sum("calls")} calls`]
      : [],
  );
}
