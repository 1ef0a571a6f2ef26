import { parentPort, workerData } from "node:worker_threads";
import type { Stage } from "../../test/simulation/stage.ts";
import { measure } from "./measure.ts";
import { SCENARIOS } from "./scenarios.ts";

const { stage, name, seed, count } = workerData as {
  readonly stage: Stage;
  readonly name: string;
  readonly seed: number;
  readonly count: number;
};
const scenario = SCENARIOS.find((each) => each.name === name);
if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
const measured = await measure(stage, scenario, { seed, count }, (done) =>
  parentPort?.postMessage({ done }, []),
);
parentPort?.postMessage({ measured }, []);
