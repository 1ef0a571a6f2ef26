import type { Execution } from "../../local/step-functions/execution.ts";
import type { Json } from "../../local/step-functions/json.ts";
import { StartRefusedError, StateMachine } from "../../local/step-functions/state-machine.ts";
import { StatesError } from "../../local/step-functions/states-error.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import type { Executions } from "../../lambdas/ports.ts";
import type { Invocations } from "./invocations.ts";
import type { Random } from "./random.ts";
import { HOUR, SECOND, type SimulationClock } from "./simulation-clock.ts";
import type { Stage } from "./stage.ts";
import type { Tally } from "./tally.ts";

const ARN = "arn:aws:states:eu-central-1:111122223333:stateMachine:";
/** How often somebody, or some outage, ends an execution. */
const ABORTED = 0.03;

export type MachineWorld = {
  readonly stage: Stage;
  readonly clock: SimulationClock;
  readonly random: Random;
  readonly tally: Tally;
  readonly invocations: Pick<Invocations, "invoke">;
  readonly calm: () => boolean;
};

/** Step Functions, with the definitions of the synthesized template. */
export class Machines implements Executions {
  readonly #world: MachineWorld;
  readonly #machines: ReadonlyMap<string, StateMachine>;

  constructor(world: MachineWorld) {
    this.#world = world;
    const { clock, stage, random } = world;
    this.#machines = new Map(
      Object.entries(stage.machines).map(([name, definition]) => [
        name,
        StateMachine.load(definition, {
          arn: `${ARN}${name}`,
          clock,
          random: () => random.next(),
          services: {
            invokeFunction: (functionArn, payload) => this.#invoke(functionArn, payload),
            startExecution: async ({ stateMachineArn, name, input }) =>
              this.#started(stateMachineArn, name, input),
          },
        }),
      ]),
    );
  }

  get running(): number {
    return [...this.#machines.values()].reduce((sum, { runningCount }) => sum + runningCount, 0);
  }

  get runningBatches(): number {
    return this.#named("RunBatch").runningCount;
  }

  get transitions(): number {
    return [...this.#machines.values()].reduce((sum, { transitions }) => sum + transitions, 0);
  }

  start(machine: string, name: string, input: Json): Execution {
    const { random, clock, tally, calm } = this.#world;
    const execution = this.#named(machine).startExecution({ name, input });
    tally.add("executions", machine);
    if (!calm() && random.chance(ABORTED)) {
      const after = random.chance(0.5) ? random.next() * 10 * SECOND : random.next() * 3 * HOUR;
      clock.after(after, () => {
        if (execution.status !== "RUNNING") return;
        tally.add("faults", "execution aborted");
        execution.stop("Aborted", "by the simulation");
      });
    }
    return execution;
  }

  async startRunBatch(batchId: BatchId, generation: number): Promise<void> {
    try {
      this.start("RunBatch", `${batchId}-${generation}`, { batchId, generation });
    } catch (error) {
      if (!(error instanceof StartRefusedError) || error.name !== "ExecutionAlreadyExists") throw error;
    }
  }

  async runBatchStatus(batchId: BatchId, generation: number): Promise<"running" | "ended" | "none"> {
    const name = `${batchId}-${generation}`;
    const found = this.#named("RunBatch").executions.find((execution) => execution.name === name);
    if (found === undefined) return "none";
    return found.status === "RUNNING" ? "running" : "ended";
  }

  /** Ends what still runs, so that nothing of a finished run stays behind. */
  async stop(): Promise<void> {
    for (const machine of this.#machines.values()) await machine.stop();
  }

  #named(name: string): StateMachine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`the stage has no machine ${name}`);
    return machine;
  }

  #invoke(functionArn: string, payload: Json): Promise<Json> {
    const logicalId = functionArn.slice(functionArn.lastIndexOf(":") + 1);
    const functionId = this.#world.stage.functions[logicalId];
    if (functionId === undefined) throw new Error(`the stage has no function ${logicalId}`);
    return this.#world.invocations.invoke(functionId, payload);
  }

  #started(stateMachineArn: string, name: string | undefined, input: Json) {
    const machine = stateMachineArn.slice(stateMachineArn.lastIndexOf(":") + 1);
    const found = this.#byLogicalId(machine);
    try {
      const { arn, startedAt } = this.start(found, name ?? "unnamed", input);
      return { executionArn: arn, startDate: new Date(startedAt).toISOString() };
    } catch (error) {
      if (error instanceof StartRefusedError) throw new StatesError(error.name, error.message);
      throw error;
    }
  }

  #byLogicalId(logicalId: string): string {
    const name = [...this.#machines.keys()].find((each) => logicalId.includes(each));
    if (name === undefined) throw new Error(`the stage has no machine ${logicalId}`);
    return name;
  }
}
