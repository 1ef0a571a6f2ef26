import { parseEnvironment } from "../runtime/environment.ts";
import { deadLetterInboxes, runQueue } from "../runtime/ports.ts";
import { count, observed } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { retryDeadLetters } from "./retry-dead-letters.ts";

const env = parseEnvironment(envSchema);
const inboxes = deadLetterInboxes(env);
const runs = runQueue(env);

export const handler = (): Promise<{ readonly retried: number }> =>
  observed(async () => {
    const sent = await Promise.all(inboxes.map((inbox) => retryDeadLetters(inbox, runs)));
    const retried = sent.reduce((sum, one) => sum + one, 0);
    count({ DeadLettersRetried: retried });
    return { retried };
  });
