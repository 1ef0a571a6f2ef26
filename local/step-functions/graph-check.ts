import type { Graph, State } from "./definition.ts";

/**
 * Throws unless names are unique in the whole machine, transitions stay in their graph, and no inner scope assigns a
 * variable of an outer one.
 */
export function checkGraph(graph: Graph): void {
  check(graph, new Set(), new Set());
}

function check(graph: Graph, names: Set<string>, outer: ReadonlySet<string>): void {
  target(graph, "StartAt", graph.StartAt);
  const variables = new Set(outer);
  for (const [name, inner] of Object.entries(graph.States)) {
    if (names.has(name)) throw new Error(`two states are named "${name}"`);
    names.add(name);
    for (const next of nextStates(name, inner)) target(graph, `state "${name}"`, next);
    for (const variable of assignedNames(inner)) {
      if (outer.has(variable))
        throw new Error(`state "${name}" assigns $${variable}, a variable of an outer scope`);
      variables.add(variable);
    }
  }
  for (const inner of Object.values(graph.States)) {
    if (inner.Type === "Map") check(inner.ItemProcessor, names, variables);
    if (inner.Type === "Parallel") for (const branch of inner.Branches) check(branch, names, variables);
  }
}

function target(graph: Graph, from: string, to: string): void {
  if (!Object.hasOwn(graph.States, to))
    throw new Error(`${from} leads to "${to}", which is not in the same graph`);
}

function nextStates(name: string, inner: State): string[] {
  if (inner.Type === "Succeed" || inner.Type === "Fail") return [];
  if (inner.Type === "Choice") {
    return [
      ...inner.Choices.map((rule) => rule.Next),
      ...(inner.Default === undefined ? [] : [inner.Default]),
    ];
  }
  if ((inner.Next === undefined) === (inner.End === undefined)) {
    throw new Error(`state "${name}" needs either Next or End`);
  }
  const caught = "Catch" in inner ? inner.Catch.map((entry) => entry.Next) : [];
  return inner.Next === undefined ? caught : [inner.Next, ...caught];
}

function assignedNames(inner: State): string[] {
  const own = "Assign" in inner ? [inner.Assign] : [];
  const rules = inner.Type === "Choice" ? inner.Choices.map((rule) => rule.Assign) : [];
  const caught = "Catch" in inner ? inner.Catch.map((entry) => entry.Assign) : [];
  return [...own, ...rules, ...caught].flatMap((assignments) => Object.keys(assignments ?? {}));
}
