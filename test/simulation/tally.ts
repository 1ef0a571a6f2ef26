/** Counts by kind and name: what a run did and what befell it, added up over all runs for the report. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();

  add(kind: string, name: string, count = 1): void {
    let names = this.#counts.get(kind);
    if (names === undefined) this.#counts.set(kind, (names = new Map()));
    names.set(name, (names.get(name) ?? 0) + count);
  }

  of(kind: string, name: string): number {
    return this.#counts.get(kind)?.get(name) ?? 0;
  }

  total(kind: string): number {
    return [...(this.#counts.get(kind)?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  }

  names(kind: string): string[] {
    return [...(this.#counts.get(kind)?.keys() ?? [])].toSorted();
  }

  merge(other: TallyJson): void {
    for (const [kind, names] of Object.entries(other))
      for (const [name, count] of Object.entries(names)) this.add(kind, name, count);
  }

  toJSON(): TallyJson {
    return Object.fromEntries(
      [...this.#counts].map(([kind, names]) => [
        kind,
        Object.fromEntries([...names].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      ]),
    );
  }
}

export type TallyJson = { readonly [kind: string]: { readonly [name: string]: number } };
