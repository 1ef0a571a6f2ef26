import { type Instant, utcDate } from "./instant.ts";
import type { PriceRow } from "./price-row.ts";
import { PRICE_TABLE, SOLD_MODELS, type SoldModel } from "./price-table.ts";
import type { Endpoint, Lane, Provider } from "./vocabulary.ts";

const MODELS: ReadonlyMap<string, SoldModel> = new Map(Object.entries(SOLD_MODELS));

/** Every name a model goes by, its own and its snapshots', to its own. */
const OWN_NAMES: ReadonlyMap<string, string> = new Map(
  [...MODELS].flatMap(([name, { snapshots }]) => [name, ...snapshots].map((known) => [known, name] as const)),
);

const ROWS: ReadonlyMap<string, readonly PriceRow[]> = Map.groupBy(PRICE_TABLE, ({ model, lane }) =>
  rowsKey(model, lane),
);

function rowsKey(model: string, lane: Lane): string {
  return `${lane} ${model}`;
}

/**
 * The price of a model, or of a snapshot of it, in a lane on the UTC day of `at`: the row that began last. Undefined when
 * the model is unknown, not sold in the lane, or had no known price yet.
 */
export function findPrice(model: string, lane: Lane, at: Instant): PriceRow | undefined {
  return rowInForce(ROWS.get(rowsKey(OWN_NAMES.get(model) ?? model, lane)) ?? [], at);
}

/** Of the rows of one model and lane, the one that holds on the UTC day of `at`: of those begun, the last. */
export function rowInForce(rows: readonly PriceRow[], at: Instant): PriceRow | undefined {
  const day = utcDate(at);
  const begun = rows.filter(({ from }) => from <= day);
  return begun.toSorted((a, b) => (a.from < b.from ? -1 : 1)).at(-1);
}

/** Whether some provider sells a model, or a snapshot, of that name. */
export function isModelName(name: string): boolean {
  return OWN_NAMES.has(name);
}

/** The name under which a model's snapshots share its limits; an unknown model's own. */
export function ownModelName(model: string): string {
  return OWN_NAMES.get(model) ?? model;
}

/** Whether the provider sells the model, or the snapshot, at the endpoint. */
export function isKnownModel(provider: Provider, endpoint: Endpoint, model: string): boolean {
  const sold = MODELS.get(OWN_NAMES.get(model) ?? model);
  return sold !== undefined && sold.provider === provider && sold.endpoints.includes(endpoint);
}

/**
 * The most input tokens of one request that the model's rows price; Infinity when its price does not depend on length.
 * A longer request costs more than `findPrice` says.
 */
export function pricedInputTokens(model: string): number {
  return MODELS.get(OWN_NAMES.get(model) ?? model)?.pricedInputTokens ?? Infinity;
}
