/** How likely it is that a log-normally distributed time is longer than `x`; 1 for what is not positive. */
export function logNormalSurvival(x: number, median: number, sigma: number): number {
  if (x <= 0) return 1;
  return complementaryError(Math.log(x / median) / (sigma * Math.SQRT2)) / 2;
}

/**
 * erfc by Chebyshev fitting, with a fractional error below 1.2e-7 everywhere (Numerical Recipes, 2nd edition, section 6.2):
 * what is left in a long tail is small, and must not be rounding.
 */
function complementaryError(x: number): number {
  const magnitude = Math.abs(x);
  const t = 1 / (1 + magnitude / 2);
  const polynomial = FITTED.reduceRight((sum, coefficient) => sum * t + coefficient, 0);
  const tail = t * Math.exp(-magnitude * magnitude + polynomial);
  return x >= 0 ? tail : 2 - tail;
}

const FITTED = [
  -1.265_512_23, 1.000_023_68, 0.374_091_96, 0.096_784_18, -0.186_288_06, 0.278_868_07, -1.135_203_98,
  1.488_515_87, -0.822_152_23, 0.170_872_77,
] as const;
