import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { draftsApprove, draftsOf, draftsShow } from "../../../cli/draft-commands.ts";
import { leadsShow } from "../../../cli/lead-commands.ts";
import { draftsSend } from "../../../cli/send-drafts.ts";
import { openStack, type Stack } from "../../../cli/stack.ts";
import { readStackOutputs } from "../../../cli/stack-outputs.ts";
import { draftIdOf, type Draft } from "../../../lambdas/domain/lead-scoring/draft.ts";
import { LEAD_RUN, leadKeys } from "../../../lambdas/domain/lead-scoring/lead-records.ts";
import { type LocalGateway, mailFolder, STACK_NAME, startLocalGateway } from "../../gateway/local-gateway.ts";
import { readCalls } from "../calls.ts";
import { readEntries } from "../figures.ts";
import { ProgressLine } from "../progress.ts";
import type { DemoOptions } from "../run-demo.ts";
import { tenantTable } from "../tables.ts";
import { dropLeads } from "./demo-leads.ts";
import { LEAD_TENANTS } from "./demo-tenants.ts";

const WORK_FOLDER = fileURLToPath(new URL("../../../.offpeak/demo-lead-scoring", import.meta.url));
const BATCH_SECONDS = 4;
/** Seconds after which runs that are not done are reported. */
const PATIENCE_SECONDS = 180;

type TenantDay = Awaited<ReturnType<typeof dropLeads>>[number];

type LeadReport = {
  readonly tenants: readonly {
    readonly tenantId: string;
    readonly day: string;
    readonly run: string;
    readonly drafts: number;
  }[];
  readonly sent: number;
};

type Outcome = { readonly report: LeadReport; readonly faults: readonly string[] };

/** One night of lead scoring: leads are dropped, scored, drafted; one draft is approved and sent to a file. */
export async function runLeadScoringDemo(options: DemoOptions, signal: AbortSignal): Promise<Outcome> {
  const progress = new ProgressLine();
  const calls = await readCalls(options.calls, options.limit ?? Infinity);
  const gateway = await startLocalGateway({
    speed: options.speed,
    tenants: LEAD_TENANTS,
    workFolder: WORK_FOLDER,
    simulator: { batchSeconds: BATCH_SECONDS, directLatencyMs: 300, seed: "demo" },
    // Its figures are the simulator's: it never calls a real provider.
    environment: {},
    workloads: ["leadScoring"],
    log: (line) => progress.show(line),
  });
  let stack: Stack | undefined;
  try {
    stack = await openStackOf(gateway);
    const days = await dropLeads(calls, LEAD_TENANTS, stack.objects);
    await waitForRuns(days, stack, progress, signal);
    progress.end();
    return await show(days, stack, gateway);
  } finally {
    stack?.close();
    await gateway.stop();
  }
}

/** As the operator's tool does, by a file of outputs. */
async function openStackOf({ outputs }: LocalGateway): Promise<Stack> {
  const file = path.join(WORK_FOLDER, "outputs.json");
  await writeFile(file, JSON.stringify({ [STACK_NAME]: outputs }));
  const read = await readStackOutputs(file, STACK_NAME);
  return openStack(read.stackName, read.outputs);
}

async function waitForRuns(
  days: readonly TenantDay[],
  stack: Stack,
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<void> {
  const began = progress.seconds;
  for (;;) {
    const states = await Promise.all(days.map((each) => stateOf(each, stack)));
    const done = states.filter((state) => state === "done").length;
    progress.show(`${done} of ${days.length} tenants' leads are done`);
    if (done === days.length || progress.seconds - began > PATIENCE_SECONDS) return;
    await sleep(500, undefined, { signal });
  }
}

async function stateOf({ tenantId, day }: TenantDay, stack: Stack): Promise<string> {
  const run = await stack.workloadRecords().get(LEAD_RUN, leadKeys.run(tenantId, day));
  return run?.state ?? "not begun";
}

async function show(days: readonly TenantDay[], stack: Stack, gateway: LocalGateway): Promise<Outcome> {
  const tenants = [];
  const best: { readonly tenantId: TenantDay["tenantId"]; readonly draft: Draft }[] = [];
  for (const { tenantId, day } of days) {
    console.log(`\n${tenantId}\n${(await leadsShow(stack, tenantId, day)).text}`);
    const drafts = await draftsOf(stack, tenantId, { day, state: "draft" });
    best.push(...drafts.slice(0, 1).map((draft) => ({ tenantId, draft })));
    tenants.push({ tenantId, day, run: await stateOf({ tenantId, day }, stack), drafts: drafts.length });
  }
  const entries = await readEntries(
    stack.ledger,
    days.map(({ tenantId }) => tenantId),
  );
  console.log(`\nWhat it cost\n${tenantTable(entries)}`);
  const sent = best[0] ? await approveAndSend(best[0], stack) : 0;
  console.log(`The functions' logs: ${here(path.join(WORK_FOLDER, "logs"))}`);
  const denials = gateway.aws.denials.map(({ action, resource }) => `a role lacks ${action} on ${resource}`);
  const undone = tenants.filter(({ run }) => run !== "done").map(({ tenantId }) => `${tenantId} is not done`);
  const faults = [...undone, ...denials, ...(sent === 1 ? [] : ["no draft was sent"])];
  return { report: { tenants, sent }, faults };
}

/** What an operator does with a draft, by the operator's own commands. */
async function approveAndSend(
  { tenantId, draft }: { readonly tenantId: TenantDay["tenantId"]; readonly draft: Draft },
  stack: Stack,
): Promise<number> {
  const id = draftIdOf(draft);
  const folder = path.join(WORK_FOLDER, "drafts");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const html = path.join(folder, `${draft.leadId}.html`);
  const shown = await draftsShow(stack, tenantId, id, { html });
  console.log(`\nA draft, from \`npx offpeak drafts show ${tenantId} ${id}\`\n${shown.text}`);
  await draftsApprove(stack, tenantId, [id], Date.now());
  const { text } = await draftsSend(stack, tenantId, [], {}, Date.now);
  const mail = mailFolder(WORK_FOLDER);
  const files = await readdir(mail);
  console.log(`\nApproved and sent, to a stand-in for SES\n${text}`);
  console.log(`The HTML, to open in a browser: ${here(html)}`);
  for (const file of files) console.log(`The e-mail as it went out:      ${here(path.join(mail, file))}`);
  return files.length;
}

function here(file: string): string {
  return path.relative(process.cwd(), file);
}
