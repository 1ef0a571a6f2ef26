import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { utcDate } from "../../lambdas/domain/instant.ts";
import { Meter } from "../../local/aws/meter.ts";
import { type LocalGateway, STACK_NAME, startLocalGateway } from "../../local/gateway/local-gateway.ts";
import { operatorClients } from "../../local/gateway/operator-clients.ts";
import { synthesize } from "../../local/gateway/synthesize.ts";
import type { DayReport, Standing } from "./day-report.ts";
import type { App, Day } from "./days.ts";
import { StackUsage } from "./stack-usage.ts";
import { standingOf } from "./standing-costs.ts";

export type Ports = {
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
  /** Puts the stack's assembly into a folder; by default the app is synthesized. */
  readonly assemble?: typeof synthesize;
};

const HOUR_MS = 3_600_000;
/** Real milliseconds between two looks at the stack's clock, which flies while nothing runs. */
const LOOK_EVERY_MS = 2;
/** Real milliseconds after which a stack that does not come to rest is given up. */
const REST_MS = 300_000;
/** What the simulated providers take: half of OpenRouter's batches are done after seven minutes, and some take much longer. */
const BATCH_SECONDS = 900;
/** Between two arrivals, of the stack's time: as long as a window. */
const ARRIVAL_MS = 300_000;
const STEPS_PER_LINE = 24;
/** After the day's end, of the stack's time: a low job is due after a day. */
const LONGEST_WAIT_MS = 30 * HOUR_MS;
const DIRECT_MS = 200;

/**
 * A day of the stack in time lapse: every period, window and lease is what it is on AWS, and items come evenly. Counts what
 * the stack uses from the first item on. Rejects when `signal` is given, or when an item is not done in the end.
 */
export async function runDay(
  day: Day,
  options: { items: number; hours: number },
  ports: Ports,
): Promise<DayReport> {
  const { signal, tell } = ports;
  const folder = await mkdtemp(join(tmpdir(), "offpeak-aws-costs-"));
  const meter = new Meter();
  const usage = new StackUsage(meter);
  let gateway: LocalGateway | undefined;
  try {
    gateway = await startLocalGateway({
      speed: 1,
      timeLapse: true,
      meter,
      tenants: day.tenants,
      workloads: day.workloads,
      workFolder: join(folder, "run"),
      simulator: { batchSeconds: BATCH_SECONDS, directLatencyMs: DIRECT_MS, seed: day.name },
      environment: {},
      assemble: (place, settings) => (ports.assemble ?? synthesize)(place, stageOf(settings)),
      stack: {
        onInvocation: (name, result) => void usage.invoked(name, result),
        onLine: (_name, line) => usage.printed(line),
      },
      log: tell,
    });
    const standing = standingOf(join(folder, "run", "cdk.out"), STACK_NAME);
    return await countDay(day, options, { ...ports, gateway, usage, standing });
  } finally {
    await gateway?.stop();
    await rm(folder, { recursive: true, force: true });
    signal.throwIfAborted();
  }
}

/** A deployed stage's own settings, but for what the local stack needs to be told. */
function stageOf({
  minBatchJobs: _own,
  ...settings
}: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return settings;
}

type Counting = Ports & {
  readonly gateway: LocalGateway;
  readonly usage: StackUsage;
  readonly standing: Standing;
};

async function countDay(
  day: Day,
  { items: asked, hours }: { items: number; hours: number },
  { gateway, usage, standing, signal, tell }: Counting,
): Promise<DayReport> {
  // The stack's clock is soon days ahead.
  const countedOn = utcDate(Date.now());
  const clients = operatorClients(gateway.aws, gateway.outputs);
  const from = Date.now();
  const items = day.doneBy.length === 0 ? 0 : asked;
  const app = { gateway, clients, signal };
  try {
    await sendAll(day, { items, from, until: from + hours * HOUR_MS }, app, tell);
    await stackTime(from + hours * HOUR_MS, signal);
    const last = Date.now() + LONGEST_WAIT_MS;
    for (let done = doneOf(day, gateway); done < items; done = doneOf(day, gateway)) {
      if (Date.now() > last) throw new Error(`only ${done} of ${items} ${day.items} came to their end`);
      tell(`${clock(from)} ${done} of ${items} ${day.items} are done`);
      await stackTime(Date.now() + HOUR_MS, signal);
    }
    await gateway.stack.quiesce({ signal: AbortSignal.any([signal, AbortSignal.timeout(REST_MS)]) });
    const passed = (Date.now() - from) / HOUR_MS;
    const counted = usage.total(gateway.stack);
    return {
      day: day.name,
      countedOn,
      items,
      done: doneOf(day, gateway),
      hours: passed,
      usage: { ...counted, scheduleStarts: (standing.scheduleStarts * passed) / 24 },
      standing,
      metrics: gateway.stack.metrics().size,
      batches: (await gateway.simulator?.batches())?.length ?? 0,
      counts: alsoCounted(day, gateway),
    };
  } finally {
    clients.destroy();
  }
}

type Span = { readonly items: number; readonly from: number; readonly until: number };

async function sendAll(day: Day, { items, from, until }: Span, app: App, tell: Ports["tell"]): Promise<void> {
  const steps = day.isAtOnce ? 1 : Math.floor((until - from) / ARRIVAL_MS);
  let sent = 0;
  for (let step = 1; step <= steps && sent < items; step += 1) {
    const soFar = Math.round((items * step) / steps);
    const numbers = Array.from({ length: soFar - sent }, (_, place) => sent + place);
    await day.send(numbers, app);
    sent = soFar;
    if (step % STEPS_PER_LINE === 0) tell(`${clock(from)} ${sent} of ${items} ${day.items} sent`);
    await stackTime(from + ((until - from) * step) / steps, app.signal);
  }
}

function alsoCounted({ alsoCounted: wanted = {} }: Day, { stack }: LocalGateway): Record<string, number> {
  const counts = stack.metrics();
  return Object.fromEntries(Object.entries(wanted).map(([name, metric]) => [name, counts.get(metric) ?? 0]));
}

function doneOf({ doneBy }: Day, { stack }: LocalGateway): number {
  const counts = stack.metrics();
  return doneBy.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
}

async function stackTime(time: number, signal: AbortSignal): Promise<void> {
  while (Date.now() < time) await sleep(LOOK_EVERY_MS, undefined, { signal });
}

/** `07:35`: how far the day is. */
function clock(from: number): string {
  const minutes = Math.floor((Date.now() - from) / 60_000);
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}
