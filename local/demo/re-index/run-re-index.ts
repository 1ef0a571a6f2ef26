import path from "node:path";
import { fileURLToPath } from "node:url";
import type { IndexManifest } from "../../../client/index.ts";
import { tenantsFileSchema } from "../../../lambdas/domain/tenant-policy.ts";
import { type LocalGateway, startLocalGateway } from "../../gateway/local-gateway.ts";
import { readFigures } from "../figures.ts";
import { ProgressLine } from "../progress.ts";
import type { DemoOptions } from "../run-demo.ts";
import type { WorkloadOutcome } from "../workload-demo.ts";
import { KnowledgeBase } from "./knowledge-base.ts";
import { printReIndex } from "./print-re-index.ts";
import { type Documents, readDocuments } from "./read-documents.ts";
import { type Round, reIndexOutcome } from "./re-index-report.ts";

/** Real seconds that each simulated batch takes: four minutes at the demo's usual speed. */
const BATCH_SECONDS = 4;
const TENANT_ID = "handbook";
const WORK_FOLDER = fileURLToPath(new URL("../../../.offpeak/demo-re-index", import.meta.url));
const QUERY = "What happens to jobs of a batch that will not be ready in time?";
const NEWS = `# A change of the demo

The lighthouse keeper polishes the lens every evening before the ferry arrives from the mainland.
`;
const NEWS_QUERY = "When does the keeper of the lighthouse polish the lens?";

/** Indexes documents, asks them something, changes one and removes one, asks again, and prints what all of it cost. */
export async function runReIndex(options: DemoOptions, signal: AbortSignal): Promise<WorkloadOutcome> {
  const progress = new ProgressLine();
  const documents = await readDocuments(options.documents);
  if (documents.size < 2) throw new Error("two documents or more are needed");
  const gateway = await startLocalGateway({
    speed: options.speed,
    tenants: tenantsFileSchema.parse([{ tenantId: TENANT_ID, workloads: { reIndex: {} } }]),
    workFolder: WORK_FOLDER,
    simulator: { batchSeconds: BATCH_SECONDS, directLatencyMs: 300, seed: "demo" },
    // The demo's figures are compared with the simulator's invoice: it never calls a real provider.
    environment: {},
    workloads: ["reIndex"],
    log: (line) => progress.show(line),
  });
  const base = new KnowledgeBase(gateway, TENANT_ID, signal);
  try {
    signal.throwIfAborted();
    return await demonstrate(gateway, base, documents, options.query ?? QUERY, progress);
  } finally {
    base.clients.destroy();
    await gateway.stop();
  }
}

async function demonstrate(
  gateway: LocalGateway,
  base: KnowledgeBase,
  documents: Documents,
  query: string,
  progress: ProgressLine,
): Promise<WorkloadOutcome> {
  const rounds: Round[] = [];
  const note = async (what: string, manifest: IndexManifest) => {
    const embedded = await base.textsInBatches();
    const before = rounds.reduce((sum, round) => sum + round.embedded, 0);
    rounds.push({ what, manifest, embedded: embedded - before });
  };

  progress.show(`putting ${documents.size} documents under kb/`);
  for (const [source, bytes] of documents) await base.put(source, bytes);
  const first = await base.settled(
    ({ documents: indexed, problems }) => indexed.length + problems.length >= documents.size,
    progress,
  );
  await note("all documents are put", first);
  const found = await base.ask(query, first.model, 5);

  const [changed = "", removed = ""] = first.documents.map(({ source }) => source);
  const revision = first.documents.find(({ source }) => source === changed)?.revision ?? 0;
  await base.put(
    changed,
    Buffer.concat([documents.get(changed) ?? Buffer.alloc(0), Buffer.from(`\n\n${NEWS}`)]),
  );
  await base.remove(removed);
  const second = await base.settled(
    (manifest) =>
      !isTaken(removed)(manifest) &&
      manifest.documents.some((each) => each.source === changed && each.revision > revision),
    progress,
  );
  await note("one gets a paragraph, another is removed", second);
  const foundAfter = await base.ask(NEWS_QUERY, second.model, 3);

  const figures = await readFigures(gateway, base.clients, [TENANT_ID]);
  progress.end();
  const invoice = (await gateway.simulator?.invoice())?.totalPicoUsd ?? "0";
  const outcome = reIndexOutcome({ rounds, figures, invoice, changed, seconds: progress.seconds });
  const searches = [
    { query, hits: found?.hits ?? [] },
    { query: NEWS_QUERY, hits: foundAfter?.hits ?? [] },
  ];
  printReIndex(outcome.report, figures, rounds, searches, path.join(WORK_FOLDER, "logs"));
  return outcome;
}

function isTaken(source: string): (manifest: IndexManifest) => boolean {
  return ({ documents, problems }) => [...documents, ...problems].some((each) => each.source === source);
}
