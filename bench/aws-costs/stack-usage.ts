import { addUnits, type BilledUnits, type Meter, NO_UNITS } from "../../local/aws/meter.ts";
import type { InvocationResult } from "../../local/lambda/function-error.ts";
import type { LocalStack } from "../../local/stack/local-stack.ts";
import type { AwsUsage } from "./aws-prices.ts";

/** What CloudWatch Logs adds to every line. */
const BYTES_PER_LINE = 26;
/** What Lambda itself writes of an invocation, in its text format. */
const PLATFORM_LINES = [
  "START RequestId: 00000000-0000-0000-0000-000000000000 Version: $LATEST\n",
  "END RequestId: 00000000-0000-0000-0000-000000000000\n",
  "REPORT RequestId: 00000000-0000-0000-0000-000000000000\tDuration: 100.00 ms\tBilled Duration: 100 ms\tMemory Size: 512 MB\tMax Memory Used: 100 MB\t\n",
];
const PLATFORM_BYTES = PLATFORM_LINES.reduce((sum, line) => sum + line.length + BYTES_PER_LINE, 0);

type Invocations = { requests: number; ms: number };

/** Gathers what a stack on this machine uses of AWS while it runs. */
export class StackUsage {
  readonly #meter: Meter;
  readonly #invocations = new Map<string, Invocations>();
  #logBytes = 0;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** Takes what the stack tells of an invocation as it begins; its time is this machine's. Resolves when it has ended. */
  async invoked(functionName: string, result: Promise<InvocationResult>): Promise<void> {
    const began = performance.now();
    await result;
    const all = this.#invocations.get(functionName) ?? { requests: 0, ms: 0 };
    all.requests += 1;
    all.ms += Math.ceil(performance.now() - began);
    this.#invocations.set(functionName, all);
  }

  /** Takes a line that a function printed. */
  printed(line: string): void {
    this.#logBytes += Buffer.byteLength(line) + 1 + BYTES_PER_LINE;
  }

  /** All of it so far; what schedules start is told by the template. */
  total(stack: LocalStack): Omit<AwsUsage, "scheduleStarts"> {
    const byRole = [...this.#meter.units].filter(([roleName]) => roleName !== null);
    const units = byRole.reduce<BilledUnits>((sum, [, own]) => addUnits(sum, own), NO_UNITS);
    const { sqsEmptyReceives: _polls, ...billed } = units;
    const lambda = this.#lambda(stack);
    const { lambdaRequests } = lambda;
    return {
      ...billed,
      ...lambda,
      stateTransitions: stack.stateMachines.reduce((sum, { transitions }) => sum + transitions, 0),
      logBytes: this.#logBytes + lambdaRequests * PLATFORM_BYTES,
    };
  }

  #lambda({ functions }: LocalStack): Pick<AwsUsage, "lambdaRequests" | "lambdaGbSeconds"> {
    let lambdaRequests = 0;
    let lambdaGbSeconds = 0;
    for (const [name, { requests, ms }] of this.#invocations) {
      lambdaRequests += requests;
      lambdaGbSeconds += (functions.find(name).memoryMb / 1024) * (ms / 1000);
    }
    return { lambdaRequests, lambdaGbSeconds };
  }
}
