import fc from "fast-check";
import { expect, test } from "vitest";
import { roundDues } from "../../../lambdas/domain/due-steps.ts";
import { entryOf, HOUR, NOW } from "./planner-entries.ts";

const anyDues = fc.array(fc.integer({ min: NOW - 2 * HOUR, max: NOW + 26 * HOUR }), {
  minLength: 1,
  maxLength: 300,
});
const entriesDue = (dues: readonly number[]) => dues.map((due, number) => entryOf(number, { due }));

test("no entry is due later than it was, none that is not overdue becomes so, and at most 64 steps hold all", () => {
  fc.assert(
    fc.property(anyDues, (given) => {
      const { dues, entries } = roundDues(entriesDue(given), NOW);
      expect(dues.length).toBeLessThanOrEqual(64);
      expect(dues).toEqual(dues.toSorted((a, b) => a.due - b.due));
      for (const [number, entry] of entries.entries()) {
        const due = given[number] ?? 0;
        expect(entry).toMatchObject(entryOf(number, { due: entry.due }));
        expect(entry.due).toBeLessThanOrEqual(due);
        expect(entry.due > NOW).toBe(due > NOW);
      }
      for (const { due, jobs, tokens } of dues) {
        const own = entries.filter((entry) => entry.due === due);
        expect({ jobs, tokens }).toEqual({
          jobs: own.length,
          tokens: own.reduce((sum, entry) => sum + entry.tokens, 0),
        });
      }
      expect(dues.reduce((sum, { jobs }) => sum + jobs, 0)).toBe(given.length);
      expect(dues[0]?.due).toBe(Math.min(...given));
    }),
  );
});

test("due times of one admission keep a second's precision", () => {
  const { entries } = roundDues(entriesDue(Array.from({ length: 60 }, (_, n) => NOW + HOUR + n * 1000)), NOW);
  expect(entries.map(({ due }) => due - NOW - HOUR)).toEqual(Array.from({ length: 60 }, (_, n) => n * 1000));
});
