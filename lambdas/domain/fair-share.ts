/** What one party asks for, in whole units, and how much it is worth beside the others. */
export type Demand = { readonly units: number; readonly weight: number };

/**
 * Shares `capacity` whole units by weight, max-min fairly: who asks for less than its share gets what it asks for, and what
 * that leaves is shared among the others. Hands out everything that is asked for and there: the units that rounding leaves
 * go one by one to those whose exact share was cut most. In the order of the demands.
 */
export function maxMinShares(demands: readonly Demand[], capacity: number): number[] {
  const shares = demands.map(() => 0);
  let left = Math.max(0, Math.floor(capacity));
  // Those that need the lowest level first: once it is reached they take no more.
  let rising = demands
    .map((demand, index) => ({ ...demand, index }))
    .filter(({ units }) => units > 0)
    .toSorted((a, b) => a.units / a.weight - b.units / b.weight || a.index - b.index);
  let weights = rising.reduce((sum, { weight }) => sum + weight, 0);
  let satisfied = 0;
  for (const { units, weight, index } of rising) {
    if (units > (left * weight) / weights) break;
    shares[index] = units;
    left -= units;
    weights -= weight;
    satisfied += 1;
  }
  rising = rising.slice(satisfied);
  if (rising.length === 0) return shares;
  // Summed anew: what subtracting leaves of it is not exact.
  weights = rising.reduce((sum, { weight }) => sum + weight, 0);
  const cut: { readonly index: number; readonly by: number }[] = [];
  const level = left / weights;
  for (const { units, weight, index } of rising) {
    const share = Math.min(units, Math.floor(level * weight), left);
    shares[index] = share;
    left -= share;
    if (share < units) cut.push({ index, by: level * weight - share });
  }
  for (const { index } of cut.toSorted((a, b) => b.by - a.by || a.index - b.index)) {
    if (left === 0) break;
    shares[index] = (shares[index] ?? 0) + 1;
    left -= 1;
  }
  return shares;
}

/** The order in which a party's items are to be taken, and what is known of the party. */
export type Claimant<Item> = { readonly weight: number; readonly items: readonly Item[] };

/**
 * Which items fit into `capacity` units when it is shared max-min fairly: each party's in their order, up to its share. What
 * that leaves, because no item is cut, goes to the first items that still fit, in the order of `compare`. Takes no more than
 * `capacity`, and leaves no item that would fit.
 */
export function shareFairly<Item>(
  claimants: readonly Claimant<Item>[],
  unitsOf: (item: Item) => number,
  compare: (a: Item, b: Item) => number,
  capacity: number,
): { readonly taken: ReadonlySet<Item>; readonly left: readonly Item[] } {
  const shares = maxMinShares(
    claimants.map(({ items, weight }) => ({
      weight,
      units: items.reduce((sum, item) => sum + unitsOf(item), 0),
    })),
    capacity,
  );
  const taken = new Set<Item>();
  const waiting: Item[] = [];
  let free = Math.max(0, Math.floor(capacity));
  for (const [number, { items }] of claimants.entries()) {
    let share = shares[number] ?? 0;
    let isFull = false;
    for (const item of items) {
      const units = unitsOf(item);
      isFull ||= units > share;
      if (isFull) {
        waiting.push(item);
        continue;
      }
      taken.add(item);
      share -= units;
      free -= units;
    }
  }
  const left: Item[] = [];
  for (const item of waiting.toSorted(compare)) {
    const units = unitsOf(item);
    if (units > free) left.push(item);
    else {
      taken.add(item);
      free -= units;
    }
  }
  return { taken, left };
}
