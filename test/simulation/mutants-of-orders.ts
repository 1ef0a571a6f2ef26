import { mutant, type Mutant } from "./mutant.ts";

const SEGMENT = "admit-jobs/segment.ts";
const UNANSWERED = "admit-jobs/end-unanswered.ts";
const SETTLE = "settle-part/settle-part.ts";
const SUBMIT = "submit-batch/submit-batch.ts";
const COLLECT = "collect-results/collect-results.ts";
const FINISH = "run-job/finish-job.ts";
const TRANSITIONS = "domain/job-transitions.ts";

/** The rules of the first list, each broken in another way and another place. */
export const ORDER_MUTANTS: readonly Mutant[] = [
  mutant("a claim that fails counts as a repeat", [
    SEGMENT,
    "const outcomes = await pMap(lines, (line) => claimLine(line, ports.jobs), {",
    'const outcomes = await pMap(lines, (line) => claimLine(line, ports.jobs).catch(() => ({ kind: "duplicate", job: undefined }) as never), {',
  ]),
  mutant("an urgent queue's message is deleted before its job is placed", [
    "run-job/run-messages.ts",
    "await placeJobs([opened], ports);",
    "void placeJobs([opened], ports).catch(() => {});",
  ]),
  mutant("dead letter before its request is stored", [
    "run-job/dead-letter-job.ts",
    "await ports.objects.put(key, text); return",
    "void ports.objects.put(key, text).catch(() => {}); return",
  ]),
  mutant("index written before the claims, and again after them", [
    SEGMENT,
    'await ports.objects.put(openSegmentKey(id), ""); return finishLines(id, lines, ports);',
    'await ports.objects.put(openSegmentKey(id), ""); await ports.objects.put(segmentIndexKey(id), lines.filter(({ job }) => job.lane === "batch").map((line) => encodeLine(indexEntryOf(line, 1))).join("")); return finishLines(id, lines, ports);',
  ]),
  mutant("abandoned segments are taken as empty", [
    "freeze-window/freeze-window.ts",
    "await finishSegment(marker.id, ports);",
    'await ports.objects.put(key, "");',
  ]),
  mutant("the latest plan stands", [
    "adapters/memory-windows.ts",
    "const standing = this.#settled.get(`${id}/${what}`) ?? hash;",
    "const standing = hash;",
  ]),
  mutant("charges of a batch dated by their collecting", [
    COLLECT,
    "completedAt: found.endedAt,",
    "completedAt: ports.runtime.now(),",
  ]),
  mutant("a direct charge dated by its re-run", [
    FINISH,
    "const stored = await storedResult(job.result.key, ports);",
    "const kept = await storedResult(job.result.key, ports); const stored = kept && { ...kept, producedAt: new Date(ports.runtime.now()).toISOString() };",
  ]),
  mutant("only new batches are looked for before a create", [
    SUBMIT,
    "ports.provider.listSince(plannedAt - CLOCK_SKEW_MS)",
    "ports.provider.listSince(Math.max(plannedAt, ports.runtime.now() - 1000))",
  ]),
  mutant("creates without names are not one after the other", [
    SUBMIT,
    "if (!(await ports.batches.lockAccount(account, lease.batchId, now, now + ACCOUNT_LOCK_MS))) {",
    "if ((await ports.batches.lockAccount(account, lease.batchId, now, now + ACCOUNT_LOCK_MS)) === null) {",
  ]),
  mutant("steps are named by the execution, not by the plan", [
    SETTLE,
    "const name = `${batchId}-g${plan.generation}-p${part}`;",
    "const name = `${batchId}-g${record.generation}-p${part}`;",
  ]),
  mutant("rows that the provider named are as good as the others", [
    "settle-part/read-part.ts",
    "const reason = plan.refusedRows[customId] ?? plan.missingReason;",
    "const reason = plan.missingReason;",
  ]),
  mutant("the last part is not settled", [
    COLLECT,
    "? plan.parts.length :",
    "? Math.max(1, plan.parts.length - 1) :",
  ]),
  mutant("custom ids without the attempt", [
    "write-batch/write-batch.ts",
    "const customId = customIdOf(job.jobId, entry.attempt);",
    "const customId = customIdOf(job.jobId, 1);",
  ]),
  mutant("dead letter without the attempt", [
    TRANSITIONS,
    'if (current === undefined || current.state === "ended" || current.attempt !== move.attempt)',
    'if (current === undefined || current.state === "ended")',
  ]),
  mutant("a cancelled job points to a result that is not written yet", [
    UNANSWERED,
    "await ports.objects.put(key, text); await ports.jobs.end({",
    "void Promise.resolve().then(() => ports.objects.put(key, text)).catch(() => {}); await ports.jobs.end({",
  ]),
  mutant("a direct result is delivered before it is written", [
    FINISH,
    'const won = (await endWith(result, record, attempt, ports)) === "won";',
    'await deliver(result, record, attempt, ports); const won = (await endWith(result, record, attempt, ports)) === "won";',
  ]),
  mutant("a losing direct answer is delivered", [
    FINISH,
    "if (won) await deliver(result, record, attempt, ports);",
    "await deliver(result, record, attempt, ports);",
  ]),
  mutant("a repeat in another part counts again", [
    "domain/settlement-fold.ts",
    "} else { part.skip.push(line); }",
    "} else if (earlier.part === part) { part.skip.push(line); }",
  ]),
  mutant("what an expired batch answered is not settled", [
    SETTLE,
    "const lines = await readPart(plan, part, record.plan, ports.objects);",
    'const lines = plan.providerStatus === "expired" ? [] : await readPart(plan, part, record.plan, ports.objects);',
  ]),
  mutant("what a batch answered before we cancelled it is lost", [
    COLLECT,
    'if (found.phase === "ended") return found;',
    'if (found.phase === "ended") return batch.cancelAt === null ? found : "lost";',
  ]),
  mutant("an orphan's answers are not charged", [
    "domain/settle-line.ts",
    'return { move: { kind: "end", result }, charge };',
    'return { move: { kind: "end", result }, charge: batch.orphanOf === null ? charge : null };',
  ]),
  mutant("calls under way when their job is cancelled are forgotten", [
    TRANSITIONS,
    'if (job.state !== "running" || (end.status !== "cancelled" && end.attempt === job.intent.attempt)) return {};',
    'if (job.state !== "running" || end.attempt > 0) return {};',
  ]),
  mutant("answers of an attempt that has moved on are not charged", [
    SETTLE,
    "line.charge ? [{ job",
    "line.charge && (won.has(line) || line.entry.attempt > 1) ? [{ job",
  ]),
];
