import { z } from "zod";
import { functionErrorSchema } from "./function-error.ts";

/** What a thread is started with. */
export const environmentDataSchema = z.object({
  /** The folder that Lambda would unpack the function's archive to. */
  codeFolder: z.string(),
  /** `<file without extension>.<export>` */
  handler: z.string(),
  functionName: z.string(),
  functionArn: z.string(),
  memoryMb: z.number(),
  /** One float64 that the thread keeps at the most bytes it has seen itself use. */
  peak: z.instanceof(SharedArrayBuffer),
  /** A TimeOffset's buffer, where the stack's clock is not the machine's. */
  timeOffset: z.instanceof(SharedArrayBuffer).optional(),
});
export type EnvironmentData = z.infer<typeof environmentDataSchema>;

export const invocationSchema = z.object({
  requestId: z.string(),
  /** JSON text. */
  event: z.string(),
  /** Milliseconds since the epoch. */
  deadline: z.number(),
});
export type Invocation = z.infer<typeof invocationSchema>;

/** What a thread tells its host. */
export const environmentReportSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("init-failed"), error: functionErrorSchema }),
  z.object({ kind: z.literal("succeeded"), payload: z.string() }),
  z.object({ kind: z.literal("failed"), error: functionErrorSchema }),
]);
export type EnvironmentReport = z.infer<typeof environmentReportSchema>;

/** With this exit code a thread says that it used more memory than its function has. */
export const OUT_OF_MEMORY_EXIT = 137;
