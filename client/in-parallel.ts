/** Runs all items, begun in order, at most `limit` at once. `run` must not fail: the others would be left running. */
export async function inParallel<Item>(
  items: readonly Item[],
  limit: number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  // Workers share the iterator: each item goes to the one that asks first.
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
