/** In `file`, `find` (which is there once, however it is broken into lines) becomes `replace`. */
export type Edit = { readonly file: string; readonly find: string; readonly replace: string };

/** A change that breaks the gateway in a way that the simulation must notice. */
export type Mutant = { readonly name: string; readonly edits: readonly Edit[] };

export function mutant(
  name: string,
  ...edits: readonly (readonly [file: string, find: string, replace: string])[]
): Mutant {
  return { name, edits: edits.map(([file, find, replace]) => ({ file: `lambdas/${file}`, find, replace })) };
}
