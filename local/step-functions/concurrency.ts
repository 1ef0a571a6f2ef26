/**
 * Runs `work` over the items with at most `limit` at a time and resolves to the results in the items' order. After the
 * first failure no further item starts, the signal given to the others aborts, and the failure is thrown once they
 * have all ended.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  outer: AbortSignal,
  work: (item: T, index: number, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const siblings = new AbortController();
  const signal = AbortSignal.any([outer, siblings.signal]);
  const results: R[] = [];
  let failure: { readonly error: unknown } | null = null;
  const queue = items.entries();

  async function drain(): Promise<void> {
    for (const [index, item] of queue) {
      if (failure !== null) return;
      try {
        results[index] = await work(item, index, signal);
      } catch (error) {
        failure ??= { error };
        siblings.abort(new Error("a sibling failed"));
      }
    }
  }

  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, drain));
  outer.throwIfAborted();
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return results;
}
