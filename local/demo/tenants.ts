/** The demo's tenants, each in one vertical; all share the provider's batches. */
export const DEMO_TENANTS = [
  { tenantId: "glow-salon", vertical: "salon", isolation: "shared" },
  { tenantId: "north-clinic", vertical: "healthcare", isolation: "shared" },
  { tenantId: "keystone-homes", vertical: "real-estate", isolation: "shared" },
  { tenantId: "harbor-inn", vertical: "hospitality", isolation: "shared" },
  { tenantId: "ledger-bank", vertical: "finance", isolation: "shared" },
  { tenantId: "wheelhouse", vertical: "sales", isolation: "shared" },
] as const;

/** The tenant of a vertical; conversations of a vertical that nobody has go to the last tenant. */
export function tenantOfVertical(vertical: string): string {
  return (DEMO_TENANTS.find((tenant) => tenant.vertical === vertical) ?? DEMO_TENANTS[5]).tenantId;
}
