import { deadLetterSchema } from "../../lambdas/domain/internal-messages.ts";
import type { Told } from "./told-results.ts";
import type { World } from "./world.ts";

/** Messages that could not become jobs: refused ones were answered, those of nobody are kept, and nothing else is there. */
export function checkMistakes(world: World, told: readonly Told[]): void {
  const { mistakes, violations, workload } = world;
  const refused = told.filter(({ result }) => result.jobId === null);
  const answered = new Set(refused.map(({ result }) => result.messageId));
  const kept = keptMessages(world);
  for (const { messageId, expect } of mistakes) {
    if (expect === "rejected" && !answered.has(messageId))
      violations.add("each refusal is told", `nobody was told of ${messageId}`, [messageId]);
    if (expect === "kept" && !kept.has(messageId))
      violations.add("nothing is dropped", `${messageId} was kept for nobody`, [messageId]);
  }
  const expected = (wanted: readonly string[]) =>
    new Set(mistakes.flatMap(({ messageId, expect }) => (wanted.includes(expect) ? [messageId] : [])));
  const keepable = expected(["kept"]);
  for (const messageId of kept)
    if (!keepable.has(messageId))
      violations.add("nothing is dropped", `${messageId} should have been taken`, [messageId]);
  const refusable = expected(["rejected", "cancel"]);
  const contested = new Set(workload.jobs.flatMap(({ key, secrets }) => (secrets.length > 1 ? [key] : [])));
  const conflicts = new Set<string>();
  for (const { result, content } of refused) {
    const isConflict =
      result.error?.code === "idempotency_conflict" && contested.has(result.idempotencyKey ?? "");
    if (isConflict) conflicts.add(result.idempotencyKey ?? "");
    else if (!refusable.has(result.messageId ?? ""))
      violations.add("nothing else is told", content, [result.messageId ?? ""]);
  }
  for (const { key, jobId } of workload.jobs)
    if (contested.has(key) && !conflicts.has(key))
      violations.add("another body under the same key is refused", `${key} came with two`, [jobId]);
}

function keptMessages({ queues }: World): Set<string> {
  const letters = [...queues.values()]
    .filter(({ name }) => name.endsWith("-dead"))
    .flatMap(({ messages }) => messages);
  return new Set(
    letters.flatMap(({ body }) => {
      const letter = deadLetterSchema.safeParse(JSON.parse(body)).data;
      return letter?.kind === "message" ? [letter.messageId] : [];
    }),
  );
}
