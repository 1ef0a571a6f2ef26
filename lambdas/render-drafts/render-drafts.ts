import pMap from "p-map";
import { contentHash, type TenantId } from "../domain/ids.ts";
import { decideRendered, type Draft, type Rendering } from "../domain/lead-scoring/draft.ts";
import type { Email } from "../domain/lead-scoring/email.ts";
import { renderEmail, templateProblems } from "../domain/lead-scoring/email-template.ts";
import { DRAFT, leadKeys } from "../domain/lead-scoring/lead-records.ts";
import type { LeadScoringPolicy } from "../domain/lead-scoring/lead-scoring-policy.ts";
import { leadDayPrefix } from "../domain/object-keys.ts";
import type { ObjectStore } from "../ports.ts";
import { endRun, holdRun, type RunPorts, type RunStep } from "../score-leads/held-run.ts";

export type RenderPorts = RunPorts & { readonly objects: ObjectStore };

type WrittenDraft = Extract<Draft, { state: "written" | "unrendered" }>;

export type RenderAnswer = {
  readonly kind: "done" | "lost";
  readonly rendered: number;
  readonly unrendered: number;
};

/** Drafts at the same time. */
const AT_ONCE = 16;

/** Puts the day's written drafts into the tenant's template, where they wait for approval; then the run is done. */
export async function renderDrafts(step: RunStep, ports: RenderPorts): Promise<RenderAnswer> {
  const { tenantId, day } = step;
  const held = await holdRun(step, ports);
  if (held === undefined) return { kind: "lost", rendered: 0, unrendered: 0 };
  const written: WrittenDraft[] = [];
  for await (const draft of ports.records.list(DRAFT, leadKeys.drafts(tenantId), leadKeys.draftsOf(day)))
    if (draft.state === "written" || draft.state === "unrendered") written.push(draft);
  const problems = held.policy.template ? templateProblems(held.policy.template) : [];
  const outcomes = await pMap(
    written,
    async (draft): Promise<Rendering["kind"]> => {
      const rendering: Rendering =
        problems.length > 0
          ? { kind: "failed", problem: `the tenant's template cannot be used: ${problems.join("; ")}` }
          : { kind: "rendered", emailKey: await store(draft, tenantId, held.policy, ports.objects) };
      await ports.records.decide(DRAFT, leadKeys.draft(tenantId, day, draft.leadId), (current) =>
        decideRendered(current, rendering, ports.now()),
      );
      return rendering.kind;
    },
    { concurrency: AT_ONCE },
  );
  await endRun(step, ports);
  const rendered = outcomes.filter((kind) => kind === "rendered").length;
  return { kind: "done", rendered, unrendered: outcomes.length - rendered };
}

async function store(
  { to, subject, paragraphs, day, leadId }: WrittenDraft,
  tenantId: TenantId,
  { sender, template }: LeadScoringPolicy,
  objects: ObjectStore,
): Promise<string> {
  const { html, text } = renderEmail(template, {
    subject,
    paragraphs,
    lead: { name: to.name, company: to.company },
    sender: { name: sender?.name ?? tenantId, address: sender?.address ?? null },
  });
  const email: Email = { version: 1, to: { name: to.name, email: to.email }, subject, html, text };
  const body = JSON.stringify(email);
  const key = `${leadDayPrefix(tenantId, day)}emails/${leadId}-${contentHash(body)}.json`;
  await objects.put(key, body);
  return key;
}
