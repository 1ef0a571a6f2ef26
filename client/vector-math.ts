export function dotProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}

/** Scaled to length 1; a vector of zeros stays as it is. */
export function normalized(vector: ArrayLike<number>): Float32Array {
  const copy = Float32Array.from(vector);
  const norm = Math.sqrt(dotProduct(copy, copy));
  return norm === 0 ? copy : copy.map((value) => value / norm);
}
