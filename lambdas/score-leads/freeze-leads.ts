import pMap from "p-map";
import { contentHash, type TenantId } from "../domain/ids.ts";
import { encodeLine } from "../domain/jsonl.ts";
import { type Lead, readLeads } from "../domain/lead-scoring/lead.ts";
import { LEAD_ROW, leadKeys } from "../domain/lead-scoring/lead-records.ts";
import { decideLead, type LeadSource } from "../domain/lead-scoring/lead-row.ts";
import type { LeadRun } from "../domain/lead-scoring/lead-run.ts";
import type { Day } from "../domain/lead-scoring/local-time.ts";
import { leadDayPrefix, leadsPrefix } from "../domain/object-keys.ts";
import type { ObjectStore } from "../ports.ts";
import type { WorkloadRecords } from "../workload-records.ts";

/** Bytes of a file, which is held in memory whole. */
const LARGEST_FILE = 8 * 1024 * 1024;

/** Problems that a run tells of; of more it tells how many there are. */
const TOLD_PROBLEMS = 20;

/** Writes at the same time. */
const AT_ONCE = 16;

type Place = { readonly tenantId: TenantId; readonly day: Day };
type FreezePorts = { readonly objects: ObjectStore; readonly records: WorkloadRecords };
export type Frozen = Pick<LeadRun, "refused" | "problems">;

/**
 * Copies the day's leads, as far as they can be read, to where nobody changes them, and makes a record of each that has
 * none. What is done a second time changes nothing: a copy's key names its content, and a lead keeps its first copy.
 */
export async function freezeLeads(place: Place, ports: FreezePorts): Promise<Frozen> {
  const prefix = leadsPrefix(place.tenantId, place.day);
  const problems: Frozen["problems"][number][] = [];
  for await (const { key } of ports.objects.list(prefix)) {
    const file = key.slice(prefix.length);
    // What consoles leave behind for a folder.
    if (file === "" || file.endsWith("/")) continue;
    const { leads, refused } = await readFile(key, ports.objects);
    problems.push(...refused.map((problem) => ({ file, ...problem })));
    await freeze(leads, place, ports);
  }
  return { refused: problems.length, problems: problems.slice(0, TOLD_PROBLEMS) };
}

function refuse(problem: string) {
  return { leads: [], refused: [{ line: null, problem }] };
}

async function readFile(key: string, objects: ObjectStore) {
  if (!/\.jsonl?$/.test(key)) return refuse("is neither .json nor .jsonl");
  if (((await objects.size(key)) ?? 0) > LARGEST_FILE)
    return refuse(`has more than ${LARGEST_FILE / 1024 / 1024} MiB: drop several files`);
  const bytes = await objects.get(key);
  return bytes === undefined ? { leads: [], refused: [] } : readLeads(Buffer.from(bytes).toString("utf8"));
}

async function freeze(leads: readonly Lead[], { tenantId, day }: Place, ports: FreezePorts): Promise<void> {
  if (leads.length === 0) return;
  const lines = leads.map((lead) => encodeLine(lead));
  const body = lines.join("");
  const key = `${leadDayPrefix(tenantId, day)}leads-${contentHash(body)}.jsonl`;
  await ports.objects.put(key, body);
  let offset = 0;
  const rows = leads.map(({ id: leadId }, place) => {
    const length = Buffer.byteLength(lines[place] ?? "");
    const source: LeadSource = { key, offset, length };
    offset += length;
    return { leadId, day, source };
  });
  await pMap(
    rows,
    (row) =>
      ports.records.decide(LEAD_ROW, leadKeys.lead(tenantId, day, row.leadId), (current) =>
        decideLead(current, row),
      ),
    { concurrency: AT_ONCE },
  );
}
