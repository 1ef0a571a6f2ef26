import { z } from "zod";
import { budgetOf, NO_SPENDING, shareOf, usedOf, WARNED_SHARE } from "../lambdas/domain/budget.ts";
import { utcDate } from "../lambdas/domain/instant.ts";
import { formatUsd } from "../lambdas/domain/money.ts";
import { type Tenant, type TenantPolicy, tenantsFileSchema } from "../lambdas/domain/tenant-policy.ts";
import { OperatorError } from "./operator-error.ts";
import { type PutTenant, putTenants } from "./put-tenants.ts";
import { fieldList, type Report, textTable, timeText } from "./report.ts";
import { type Stack, tenantNamed } from "./stack.ts";
import { readJson } from "./stack-outputs.ts";

/** `offpeak tenants put FILE` */
export async function tenantsPut(stack: Stack, file: string): Promise<Report> {
  const policies = tenantsFileSchema.safeParse(await readJson(file));
  if (!policies.success)
    throw new OperatorError(`${file} is no tenants file:\n${z.prettifyError(policies.error)}`);
  const stored = await putTenants(policies.data, stack);
  return { data: stored.map(shown), text: tenantTable(stored) };
}

/** `offpeak tenants list` */
export async function tenantsList(stack: Stack): Promise<Report> {
  const tenants: Tenant[] = [];
  for await (const tenant of stack.tenants.list()) tenants.push(tenant);
  tenants.sort((a, b) => (a.policy.tenantId < b.policy.tenantId ? -1 : 1));
  const text =
    tenants.length > 0 ? tenantTable(tenants) : "There are no tenants yet: `offpeak tenants put FILE`.";
  return { data: tenants.map(shown), text };
}

/** `offpeak tenants show ID`: its policy, and what is used of the budget of the UTC day of `now` where it has one. */
export async function tenantsShow(stack: Stack, name: string, now: number): Promise<Report> {
  const tenant = shown(await tenantNamed(stack, name));
  const { policy, updatedAt, ...fields } = tenant;
  const budget = await budgetToday(stack, policy, now);
  return {
    data: { ...tenant, ...(budget && { budget: budget.data }) },
    text: fieldList({
      ...policy,
      ...fields,
      updatedAt: timeText(updatedAt),
      ...(budget && { "budget today": budget.text }),
    }),
  };
}

async function budgetToday(stack: Stack, { tenantId, limits }: TenantPolicy, now: number) {
  if (limits.dailyBudgetMicroUsd === undefined) return undefined;
  const budget = budgetOf(limits.dailyBudgetMicroUsd);
  const day = utcDate(now);
  const { spent, reserved } = usedOf((await stack.budgets.get(tenantId, day)) ?? NO_SPENDING);
  const share = shareOf(spent + reserved, budget);
  const [spentPicoUsd, reservedPicoUsd] = [spent, reserved].map(String);
  const text = `${(share * 100).toFixed(1)}% of ${formatUsd(budget)} used: ${formatUsd(spent)} spent, ${formatUsd(reserved)} reserved (${day}, UTC)`;
  const warning = share >= WARNED_SHARE ? "; little is left" : "";
  return { data: { day, share, spentPicoUsd, reservedPicoUsd }, text: text + warning };
}

/** A tenant without the salt: who has it can tell job ids from guessed keys. */
function shown<Stored extends Tenant>({ salt: _salt, ...tenant }: Stored): Omit<Stored, "salt"> {
  return tenant;
}

function tenantTable(tenants: readonly (Tenant | PutTenant)[]): string {
  const changes = tenants.some((tenant) => "change" in tenant);
  const columns = ["tenant", "isolation", "results queue", "revision", "updated"];
  const rows = tenants.map((tenant) => {
    const { policy, revision, updatedAt } = tenant;
    const queue = policy.delivery.queueUrl ?? "-";
    const row = [policy.tenantId, policy.isolation, queue, String(revision), timeText(updatedAt)];
    return "change" in tenant ? [...row, tenant.change] : row;
  });
  return textTable(
    [...columns, ...(changes ? ["change"] : [])].map((title) => ({ title })),
    rows,
  );
}
