import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { failureText } from "../../local/failure-text.ts";
import { DAYS } from "./days.ts";
import type { DayReport } from "./day-report.ts";
import { runDay } from "./run-day.ts";
import { dayTable } from "./table.ts";

const NAMES = DAYS.map(({ name }) => name).join(", ");

const HELP = `npm run bench -- aws-costs [options]

What AWS bills for a day of the gateway: its own stack on this machine in time lapse, every request, state transition and
log line counted by AWS's rules, at AWS's prices. What runs by the clock is counted on a day without work, and told apart.

  --days NAMES    separated by commas, of: ${NAMES} (default: all)
  --items N       jobs, calls, leads or documents in a day (default 10000)
  --hours N       length of a day (default 24)
  --report FILE   writes the counts as JSON
  --help
`;

/** Counts and prints. Returns the exit code. */
export async function benchAwsCosts(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      days: { type: "string" },
      items: { type: "string", default: "10000" },
      hours: { type: "string", default: "24" },
      report: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const wanted = values.days?.split(",") ?? DAYS.map(({ name }) => name);
  const unknown = wanted.find((name) => DAYS.every((day) => day.name !== name));
  if (unknown !== undefined) throw new Error(`--days has no ${unknown}: choose from ${NAMES}`);
  const options = { items: positive("items", values.items), hours: positive("hours", values.hours) };
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const began = performance.now();
  const tell = (line: string) =>
    process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
  try {
    const reports: DayReport[] = [];
    for (const day of DAYS.filter(({ name }) => wanted.includes(name))) {
      tell(`a day of ${day.name}`);
      reports.push(await runDay(day, options, { signal: stop.signal, tell }));
      if (values.report !== undefined)
        await writeFile(values.report, `${JSON.stringify(reports, null, 2)}\n`);
    }
    process.stdout.write(`${dayTable(reports)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(stop.signal.aborted ? "stopped\n" : `the run failed: ${failureText(error)}\n`);
    return stop.signal.aborted ? 130 : 1;
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} takes a whole number above 0, not ${text}`);
}
