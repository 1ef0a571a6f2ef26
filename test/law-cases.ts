import fc from "fast-check";

const RUNS = process.env["LAW_RUNS"];

/**
 * Which cases the laws are tried on. `npm test` tries the same ones each time: whether a change passes must not depend on
 * luck. To look for a case that breaks a law is a run of its own, `npm run test:laws`: many cases, from a new seed.
 */
fc.configureGlobal({
  ...fc.readConfigureGlobal(),
  ...(RUNS === undefined ? { seed: 20_261_201 } : { numRuns: Number(RUNS) }),
});
