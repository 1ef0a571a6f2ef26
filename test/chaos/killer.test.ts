import { expect, test } from "vitest";
import { Killer } from "./killer.ts";

const UNDER_WAY = new Promise<{ kind: string }>(() => undefined);

function killerOf(options: { chance?: number; most?: number; busy?: boolean; draw?: number }) {
  const { chance = 1, most = 2, busy = true, draw = 0 } = options;
  const victims: string[] = [];
  const killer = new Killer({
    random: () => draw,
    chance,
    most,
    kill: async (name) => {
      if (busy) victims.push(name);
      return busy;
    },
  });
  return { killer, victims };
}

test("kills as many workers of a function as allowed, and tells of each", async () => {
  const { killer, victims } = killerOf({ most: 2 });
  for (let round = 0; round < 4; round += 1) killer.watch("a", UNDER_WAY);
  killer.watch("b", UNDER_WAY);
  await expect.poll(() => killer.story.length).toBe(3);
  expect(victims.toSorted()).toEqual(["a", "a", "b"]);
  expect(Object.fromEntries(killer.kills)).toEqual({ a: 2, b: 1 });
  await killer.stop();
});

test("a kill that comes too late is none, and the function is aimed at again", async () => {
  const { killer } = killerOf({ most: 1, busy: false });
  killer.watch("a", UNDER_WAY);
  await killer.stop();
  expect(killer.kills.size).toBe(0);
});

test("leaves alone what the draw spares, and everything once it has stopped", async () => {
  const spared = killerOf({ chance: 0.5, draw: 0.5 });
  spared.killer.watch("a", UNDER_WAY);
  const stopped = killerOf({});
  await stopped.killer.stop();
  stopped.killer.watch("a", UNDER_WAY);
  await Promise.all([spared.killer.stop(), stopped.killer.stop()]);
  expect([...spared.victims, ...stopped.victims]).toEqual([]);
});
