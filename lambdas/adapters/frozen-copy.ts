/** What was made here: it cannot change any more, and is its own copy. */
const FROZEN = new WeakSet<object>();

/**
 * A copy of plain data (objects, arrays, primitives) that nobody can change, neither who stored it nor who reads it: a
 * memory adapter copies what it stores, and gives that to every reader. What is already such a copy is shared, so that
 * storing a changed record copies the change alone.
 */
export function frozenCopy<Value>(value: Value): Value {
  return frozen(value) as Value;
}

function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null || FROZEN.has(value)) return value;
  const copy = Array.isArray(value) ? value.map(frozen) : frozenFields(value);
  FROZEN.add(Object.freeze(copy));
  return copy;
}

function frozenFields(value: object): object {
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = frozen((value as Record<string, unknown>)[key]);
  return copy;
}
