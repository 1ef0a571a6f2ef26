import { writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { failureText } from "../../local/failure-text.ts";
import { type OverheadReport, runOverhead } from "./run-overhead.ts";
import { explanation, overheadTable, trafficTable, verdict } from "./table.ts";

const HELP = `npm run bench -- overhead [options]

How much time the gateway adds to a critical job: the stack on this machine, the handlers in their worker threads, a
simulated provider. Critical jobs beside low jobs that are being admitted, then as many alone. Prints how the overhead is
spread in both runs. Exit code 1 when a job was not answered; slowness is printed, never an error.

  --seconds N               length of the run under load (default 50); the idle run takes two fifths of it
  --warm-up-seconds N       the same load before both (default 180), until every worker's code is compiled
  --critical-per-second N   (default 50)
  --low-per-second N        (default 210)
  --workers N               threads of a function at most (default 12: 50 jobs/s that take some 230 ms each; whoever comes
                            while all are busy shares the next with others)
  --seed S                  varies the arrivals (default: the time, printed)
  --report FILE             writes the figures as JSON
  --help
`;

/** Measures the overhead and prints it. Returns the exit code. */
export async function benchOverhead(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "50" },
      "warm-up-seconds": { type: "string", default: "180" },
      "critical-per-second": { type: "string", default: "50" },
      "low-per-second": { type: "string", default: "210" },
      workers: { type: "string", default: "12" },
      seed: { type: "string" },
      report: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const seconds = positive("seconds", values.seconds);
  const options = {
    seconds,
    idleSeconds: Math.ceil(seconds * 0.4),
    warmUpSeconds: positive("warm-up-seconds", values["warm-up-seconds"]),
    workers: positive("workers", values.workers),
    criticalPerSecond: positive("critical-per-second", values["critical-per-second"]),
    lowPerSecond: positive("low-per-second", values["low-per-second"]),
    seed: values.seed ?? String(Date.now() % 1_000_000),
  };
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const began = performance.now();
  const tell = (line: string) =>
    process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
  tell(`seed ${options.seed}`);
  try {
    const report = await runOverhead(options, { signal: stop.signal, tell });
    print(report);
    if (values.report !== undefined) await writeFile(values.report, `${JSON.stringify(report, null, 2)}\n`);
    return unanswered(report) === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(stop.signal.aborted ? "stopped\n" : `the run failed: ${failureText(error)}\n`);
    return stop.signal.aborted ? 130 : 1;
  }
}

function print(report: OverheadReport): void {
  const load = loadavg()[0]?.toFixed(1);
  const machine = `${availableParallelism()} cores, load average of the last minute ${load} (this run included)`;
  const parts = [overheadTable(report), trafficTable(report), explanation(report), machine, verdict(report)];
  process.stdout.write(`${parts.join("\n\n")}\n`);
}

/** Critical jobs without an answer, and those whose answer is no success: nothing was measured of either. */
function unanswered({ idle, loaded }: OverheadReport): number {
  return [idle, loaded].reduce((sum, { sent, succeeded }) => sum + sent - succeeded, 0);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} takes a number above 0, not ${text}`);
}
