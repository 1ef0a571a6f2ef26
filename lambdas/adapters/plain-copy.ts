/**
 * A copy of plain data (objects, arrays, primitives), so that whoever stored or read a record cannot change it. Several
 * times quicker than structuredClone, which memory adapters would spend most of a simulation in.
 */
export function plainCopy<Value>(value: Value): Value {
  return copied(value) as Value;
}

function copied(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copied);
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = copied((value as Record<string, unknown>)[key]);
  return copy;
}
