import { type TenantPolicy, tenantsFileSchema } from "../../../lambdas/domain/tenant-policy.ts";

/** The demo's tenants, each by the clocks of its own place; their hour is the first, so that yesterday is always due. */
const PLACES = [
  ["glow-salon", "Glow Salon", "Europe/London", "hair and beauty appointments"],
  ["north-clinic", "North Clinic", "Asia/Kolkata", "a family doctors' practice"],
  ["keystone-homes", "Keystone Homes", "America/New_York", "homes to rent and to buy"],
  ["harbor-inn", "Harbor Inn", "Australia/Sydney", "a hotel and restaurant by the sea"],
  ["ledger-bank", "Ledger Bank", "Europe/Berlin", "a bank for households"],
  ["wheelhouse", "Wheelhouse", "America/Los_Angeles", "solar panels and cars"],
] as const;

export const LEAD_TENANTS: readonly TenantPolicy[] = tenantsFileSchema.parse(
  PLACES.map(([tenantId, name, timeZone, business]) => ({
    tenantId,
    workloads: {
      leadScoring: {
        timeZone,
        hour: 0,
        business,
        threshold: 60,
        sender: { name, email: `hello@${tenantId}.example`, address: `${name}, 1 Example Street` },
      },
    },
  })),
);
