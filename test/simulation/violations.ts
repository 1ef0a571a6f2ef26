/** An invariant that did not hold: which, how, and the ids of what it concerns. */
export type Violation = {
  readonly invariant: string;
  readonly what: string;
  readonly ids: readonly string[];
};

/** What went wrong in a run, as it happens and when it is over. */
export class Violations {
  readonly found: Violation[] = [];

  add(invariant: string, what: string, ids: readonly string[] = []): void {
    this.found.push({ invariant, what, ids });
  }
}
