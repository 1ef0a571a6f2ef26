import type { Json } from "../../local/step-functions/json.ts";
import type { GatewayFunctionId } from "../../lib/function-limits.ts";
import { PROVIDERS } from "../../lambdas/domain/vocabulary.ts";
import { deadLetterSchema } from "../../lambdas/domain/internal-messages.ts";
import { segmentIdOfMarker, segmentIndexKey } from "../../lambdas/domain/object-keys.ts";
import { foreignLines, isForgotten } from "./model-batch.ts";
import type { QueuedMessage, SimulatedQueue } from "./simulated-queue.ts";
import { DAY, HOUR, MINUTE } from "./simulation-clock.ts";
import type { StageSchedule } from "./stage.ts";
import type { World } from "./world.ts";

/** Faults go on for this long after the last message was sent. */
const TROUBLE_AFTER = 3 * HOUR;
/** A world in which nothing moves for so long is at rest: longer than any schedule's period but the daily one. */
const REST = 45 * MINUTE;
/** Longer than the longest that anything may be watched, and than anything else may take. */
const WATCHED = 16 * DAY;
const GIVEN_UP = 6 * DAY;
/** A window that finds nothing new changes nothing: one is run all the same after so long. */
const IDLE_WINDOW = 6 * HOUR;
const CARRYING_WINDOW = 2.5 * HOUR;
/** How many of the schedule's periods a window lasts. */
const WINDOW_PERIODS = [1, 2, 4] as const;
const IDLE_CALLS = 16;
/** What is called each minute is called in vain more often. */
const IDLE_MINUTES = 90;
const MENDING_CALLS = 6;
const SCHEDULED_TIME = "<aws.scheduler.scheduled-time>";

/** Lets a world run until everything that was asked for is done, or ought to be. */
export async function drive(world: World): Promise<void> {
  const { clock, workload } = world;
  const start = clock.now();
  for (const sending of workload.sendings) {
    clock.after(sending.at - start, () => {
      if (sending.upload) void world.objects.put(sending.upload.key, sending.upload.text);
      const messageId = world.queue(`jobs-${sending.queue}`).send(sending.body, sending.senderId);
      if (sending.expect !== "job") world.mistakes.push({ messageId, expect: sending.expect });
    });
  }
  for (const schedule of world.stage.schedules) startSchedule(world, schedule);
  for (const tenant of workload.tenants) await world.tenants.put(tenant.tenant);
  addForeigners(world);
  const last = workload.sendings.at(-1)?.at ?? start;
  clock.after(last + TROUBLE_AFTER - start, () => {
    world.portFaults.calm = true;
    world.providerFaults.calm = true;
    world.trace.add(clock.now(), "world", "no new faults from now on");
  });
  const rest = watchForRest(world, start);
  await clock.run(() => rest.over);
  if (!rest.reached)
    world.violations.add(
      "everything comes to rest",
      `left after days: ${(await Array.fromAsync(leftovers(world))).join("; ")}`,
    );
  await world.machines.stop();
}

function startSchedule(world: World, { periodMs, machine, functionId, input }: StageSchedule): void {
  const { clock } = world;
  const random = world.random.stream(`schedule ${machine ?? functionId}`);
  // Some stages have longer windows than others.
  const every = machine === null ? 1 : random.pick(WINDOW_PERIODS);
  let ticks = 0;
  let lastWindow = clock.now();
  let idle = 0;
  let before = "";
  let same = 0;
  const tick = (): void => {
    clock.after(periodMs, tick);
    ticks += 1;
    if (ticks % every !== 0) return;
    void (async () => {
      if (machine !== null) {
        const wait = windowWait(world);
        const since = clock.now() - lastWindow;
        if (wait !== "new" && since < (wait === "nothing" ? IDLE_WINDOW : CARRYING_WINDOW)) return;
        lastWindow = clock.now();
        const scheduledTime = new Date(clock.now()).toISOString();
        const event = JSON.parse((input ?? "{}").replaceAll(SCHEDULED_TIME, scheduledTime)) as Json;
        world.machines.start(machine, `scheduled-${clock.now()}`, event);
      } else if (functionId !== null) {
        const { isWork, looks } = await workFor(world, functionId);
        same = looks === before ? same + 1 : 0;
        before = looks;
        // What it could not mend so often waits for something else.
        idle = isWork && same < MENDING_CALLS ? 0 : idle + 1;
        if (idle % (periodMs > MINUTE ? IDLE_CALLS : IDLE_MINUTES) !== 0) return;
        await world.invocations.invoke(functionId, {}).catch(() => {});
      }
    })();
  };
  clock.after(random.next() * periodMs, tick);
}

/** What a window would find: nothing, only what an earlier one carried on, or something new. */
function windowWait({ objects, windows }: World): "nothing" | "carried" | "new" {
  if (windows.isHeld) return "new";
  if (objects.openSegments.size === 0) return "nothing";
  return [...objects.openSegments.keys()].every((key) => key.includes("carried-")) ? "carried" : "new";
}

type Work = {
  readonly isWork: boolean;
  /** How things stand, in words that change when they do. */ readonly looks: string;
};

/** Whether a scheduled function would find anything to mend. It is called now and then all the same. */
async function workFor(world: World, functionId: GatewayFunctionId): Promise<Work> {
  if (functionId === "RetryDeadLetters") {
    const letters = [...world.queues.values()].map((queue) =>
      queue.name.endsWith("-dead") ? lettersToSendOn(queue) : 0,
    );
    return { isWork: letters.some((count) => count > 0), looks: letters.join(" ") };
  }
  if (functionId === "EscalateJobs") {
    const late = world.batches.late(world.clock.now());
    return { isWork: late.length > 0, looks: late.join(" ") };
  }
  if (functionId !== "SweepLeftovers") return { isWork: true, looks: String(world.clock.now()) };
  const { openBatches, submittedProviderBatches } = world.batches;
  const made = PROVIDERS.reduce((sum, provider) => sum + world.services[provider].findable, 0);
  const abandoned = await abandonedSegments(world);
  const { runningBatches } = world.machines;
  return {
    isWork: openBatches > runningBatches || submittedProviderBatches < made || abandoned > 0,
    looks: [Math.max(0, openBatches - runningBatches), made - submittedProviderBatches, abandoned].join(" "),
  };
}

/** Segments whose writer died before it wrote their index. */
async function abandonedSegments({ objects, clock }: World): Promise<number> {
  const old = [...objects.openSegments].filter(([, at]) => at < clock.now() - 6 * MINUTE);
  const sizes = await Promise.all(old.map(([key]) => objects.size(segmentIndexKey(segmentIdOfMarker(key)))));
  return sizes.filter((size) => size === undefined).length;
}

/** Batches of somebody else on the same accounts, some of them as large as ours. */
function addForeigners(world: World): void {
  const random = world.random.stream("foreigners");
  for (const provider of PROVIDERS)
    for (let number = 0; number < 4; number += 1) {
      if (!world.providerFaults.befalls("foreign batch on the account", `${provider} ${number}`)) continue;
      const size = 1 + random.below(12);
      world.clock.after(random.next() * 10 * HOUR, () =>
        world.services[provider].addForeign(foreignLines(size)),
      );
    }
}

type Rest = { over: boolean; reached: boolean };

function watchForRest(world: World, start: number): Rest {
  const rest: Rest = { over: false, reached: false };
  let since: number | null = null;
  const look = async (): Promise<void> => {
    const now = world.clock.now();
    const quiet = world.portFaults.calm && (await leftovers(world).next()).done === true;
    since = quiet ? (since ?? now) : null;
    rest.reached = since !== null && now - since >= REST;
    rest.over = rest.reached || now - start > (world.isSlow ? WATCHED : GIVEN_UP);
    if (!rest.over) world.clock.after(20 * MINUTE, () => void look());
  };
  world.clock.after(HOUR, () => void look());
  return rest;
}

/** What keeps a world from being at rest, in words, what is quickly seen first; nothing when it is at rest. */
async function* leftovers(world: World): AsyncGenerator<string> {
  if (world.machines.running > 0) yield `${world.machines.running} executions`;
  if (world.consumers.some((consumer) => !consumer.idle) || world.invocations.running > 0)
    yield "functions at work";
  for (const queue of world.queues.values()) {
    const waiting = queue.name.endsWith("-dead") ? lettersToSendOn(queue) : queue.size;
    if (waiting > 0) yield `${waiting} on ${queue.name}`;
  }
  if (windowWait(world) !== "nothing") yield "segments or a window";
  for (const provider of PROVIDERS) {
    const open = await Array.fromAsync(world.batches.listOpen(provider));
    if (open.length > 0) yield `open batches ${open.map(({ batchId }) => batchId).join(", ")}`;
    const unowned = await unownedBatches(world, provider);
    if (unowned.length > 0) yield `${provider} batches of nobody: ${unowned.join(", ")}`;
  }
}

/** Letters that are not kept for the operator. */
function lettersToSendOn({ messages }: SimulatedQueue): number {
  return messages.filter((message) => !isKept(message)).length;
}

async function unownedBatches(world: World, provider: (typeof PROVIDERS)[number]): Promise<string[]> {
  const unowned: string[] = [];
  for (const batch of world.services[provider].batches.values()) {
    // What the provider has forgotten nobody can find.
    const { id, foreign } = batch;
    if (foreign || isForgotten(batch)) continue;
    const owner = await world.batches.providerBatchOwner(provider, id);
    if (owner === undefined || (await world.batches.get(owner)) === undefined) unowned.push(id);
  }
  return unowned;
}

/** A letter that waits for the operator, as it should. */
function isKept({ body, moved }: QueuedMessage): boolean {
  if (moved) return false;
  try {
    return deadLetterSchema.safeParse(JSON.parse(body)).data?.kind === "message";
  } catch {
    return false;
  }
}
