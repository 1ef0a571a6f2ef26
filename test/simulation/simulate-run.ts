import { checkJobs } from "./check-jobs.ts";
import { checkLedger } from "./check-ledger.ts";
import { checkMistakes } from "./check-mistakes.ts";
import { checkRest } from "./check-rest.ts";
import { drive } from "./drive.ts";
import type { Stage } from "./stage.ts";
import { toldResults } from "./told-results.ts";
import { type RunOptions, World } from "./world.ts";

/** One run from its seed to its verdict: what it violated is in the world. */
export async function simulateRun(stage: Stage, options: RunOptions): Promise<World> {
  const world = new World(stage, options);
  await drive(world);
  world.finishBatches();
  const told = toldResults(world);
  await checkJobs(world, told);
  checkMistakes(world, told);
  world.cancels.check(told, world.violations);
  await checkLedger(world, told);
  await checkRest(world);
  return world;
}
