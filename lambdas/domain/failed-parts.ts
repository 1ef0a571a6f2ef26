/** Runs a part of some work. When it fails, what it failed over is kept, and `otherwise` stands for its result. */
export type AttemptPart = <Result>(otherwise: Result, part: () => Promise<Result>) => Promise<Result>;

/** For work of several parts of which one that fails is to hold up no other: puts what failed into `failures`. */
export function attemptParts(failures: unknown[]): AttemptPart {
  return async (otherwise, part) => {
    try {
      return await part();
    } catch (error) {
      failures.push(error);
      return otherwise;
    }
  };
}
