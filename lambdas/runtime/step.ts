import type { z } from "zod";
import { logger, observed } from "./telemetry.ts";

/**
 * A state's function: its payload is parsed, its fields are on every log line, its answer goes back to the machine and
 * into the log (answers are ids and counts).
 */
export function step<Schema extends z.ZodObject, Result>(
  payload: Schema,
  run: (input: z.output<Schema>) => Promise<Result>,
): (event: unknown) => Promise<Result> {
  return async (event) => {
    const input = payload.parse(event);
    logger.appendKeys(input);
    try {
      return await observed(async () => {
        const result = await run(input);
        logger.info("step done", { result });
        return result;
      });
    } finally {
      logger.resetKeys();
    }
  };
}
