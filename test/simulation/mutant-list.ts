import { ESCALATION_MUTANTS } from "./mutants-of-escalation.ts";
import { LANE_MUTANTS } from "./mutants-of-lanes.ts";
import { ORDER_MUTANTS } from "./mutants-of-orders.ts";
import { mutant, type Mutant } from "./mutant.ts";

const SETTLE = "settle-part/settle-part.ts";
const MOVE = "settle-part/move-on.ts";
const TRANSITIONS = "domain/job-transitions.ts";
const SUBMIT = "submit-batch/submit-batch.ts";
const ADMIT = "admit-jobs/admit-jobs.ts";
const SEGMENT = "admit-jobs/segment.ts";
const FINISH = "run-job/finish-job.ts";

export const MUTANTS: readonly Mutant[] = [
  mutant("message deleted before the claim", [
    ADMIT,
    "if (pending.length > 0) await place();",
    "if (pending.length > 0) void place();",
  ]),
  mutant("failed messages are deleted", [
    ADMIT,
    "failed.push(...items.map(({ message }) => ({ messageId: message.messageId, error })));",
    "void error;",
  ]),
  mutant("claim before the segment", [
    SEGMENT,
    "await ports.objects.putStream(key, encodeChunks(texts));",
    "await pMap(lines, (line) => claimLine(line, ports.jobs)); await ports.objects.putStream(key, encodeChunks(texts));",
  ]),
  mutant("claims before the segment's marker", [
    SEGMENT,
    'await ports.objects.put(openSegmentKey(id), ""); return finishLines(id, lines, ports);',
    'const outcomes = await finishLines(id, lines, ports); await ports.objects.put(openSegmentKey(id), ""); return outcomes;',
  ]),
  mutant("index guessed instead of finished", [
    SEGMENT,
    "await finishLines(id, lines, ports); }",
    'await ports.objects.put(segmentIndexKey(id), lines.map((line) => encodeLine(indexEntryOf(line, 1))).join("")); }',
  ]),
  mutant(
    "index holds lines that lost their claim",
    [
      SEGMENT,
      'if (line === undefined || outcome.kind !== "claimed") continue;',
      "if (line === undefined) continue;",
    ],
    [
      SEGMENT,
      "waiting.push(indexEntryOf(line, outcome.attempt));",
      'waiting.push(indexEntryOf(line, "attempt" in outcome ? outcome.attempt : 1));',
    ],
    [
      SEGMENT,
      "direct.push(runRequestOf(line, outcome.attempt));",
      'direct.push(runRequestOf(line, "attempt" in outcome ? outcome.attempt : 1));',
    ],
  ),
  mutant(
    "plan recomputed on a re-run",
    [
      "plan-window/plan-window.ts",
      'if ((await ports.windows.settled(windowId, "plan")) === undefined) await makePlan(windowId, ports, settings); const { batches, carried, setAside, expiredKey, directKey, jobs } = await readPlan(windowId, ports);',
      "const { batches, carried, setAside, expiredKey, directKey, jobs } = await makePlan(windowId, ports, settings);",
    ],
    [
      "plan-window/plan-window.ts",
      'await ports.windows.settle(windowId, "plan", hash); }',
      'await ports.windows.settle(windowId, "plan", hash); return plan; }',
    ],
    [
      "plan-window/plan-window.ts",
      "async function makePlan(windowId: WindowId, ports: PlanPorts, settings: PlanSettings): Promise<void> {",
      "async function makePlan(windowId: WindowId, ports: PlanPorts, settings: PlanSettings): Promise<WindowPlan> {",
    ],
  ),
  mutant("ledger key from now", [
    SETTLE,
    "partLedgerEntries(charged, { ...plan, part })",
    "partLedgerEntries(charged, { ...plan, part, completedAt: ports.runtime.now() })",
  ]),
  mutant("create without adopting", [
    SUBMIT,
    "if (batch.intentAt !== null) {",
    "if (batch.intentAt === -1) {",
  ]),
  mutant("create without waiting for the list", [
    SUBMIT,
    "if (ports.runtime.now() < batch.intentAt + grace) {",
    "if (ports.runtime.now() < batch.intentAt) {",
  ]),
  mutant("intent stored after the create", [
    SUBMIT,
    "await ports.batches.recordIntent(lease, ports.runtime.now()); const created = await ports.provider.create({ batchId, endpoint, inputKey, inputFileId });",
    "const created = await ports.provider.create({ batchId, endpoint, inputKey, inputFileId }); await ports.batches.recordIntent(lease, ports.runtime.now());",
  ]),
  mutant("settle without the collected plan", [
    "settle-part/read-part.ts",
    "const skip = new Set(slice.skip);",
    "const skip = new Set<number>();",
  ]),
  mutant(
    "the latest collected plan stands",
    [
      "adapters/batch-decisions.ts",
      "if (record.settlementKey !== null) return record; return { ...record, state: record.state",
      "return { ...record, state: record.state",
    ],
    [
      "collect-results/collect-results.ts",
      "if (record.settlementKey !== null) return (await readSettlement(record.settlementKey, ports.objects)).parts.length;",
      "",
    ],
  ),
  mutant("requeue without the attempt", [
    TRANSITIONS,
    'if (current === undefined || current.attempt !== move.attempt || holderOf(current) !== (move.owner ?? null)) return { outcome: "lost" };',
    'if (current === undefined || holderOf(current) !== (move.owner ?? null)) return { outcome: "lost" };',
  ]),
  mutant("the next attempt has the number of the last", [
    MOVE,
    "attempt: attempt + 1, roundStart: roundStart",
    "attempt, roundStart: roundStart",
  ]),
  mutant("requeued a second time by a re-run", [
    TRANSITIONS,
    'current.attempt === move.attempt + 1 && current.requeuedBy === move.by) { return { outcome: "won" }; }',
    'current.attempt === move.attempt + 1 && current.requeuedBy === move.by) { return { outcome: "lost" }; }',
  ]),
  mutant("requeued segment without a marker", [MOVE, 'await ports.objects.put(openSegmentKey(id), "");', ""]),
  mutant(
    "delivery before the result is written",
    [
      SETTLE,
      "await pMap(tenants, (tenant) => ports.objects.put(keyOf(tenant.tenantId), tenant.text), { concurrency: 8 });",
      "",
    ],
    [
      SETTLE,
      "const { won, deliveries } = await endJobs(settled.filter(isEnding), name, keyOf, ports);",
      "const { won, deliveries } = await endJobs(settled.filter(isEnding), name, keyOf, ports); await ports.deliveries.send(deliveries); for (const tenant of packResults(settled.filter(isEnding), ({ move }) => move.result)) await ports.objects.put(keyOf(tenant.tenantId), tenant.text);",
    ],
  ),
  mutant(
    "direct result written after its job has ended",
    [
      FINISH,
      "await ports.objects.put(key, text); return ports.jobs.end({",
      "const outcome = await ports.jobs.end({",
    ],
    [
      FINISH,
      "endedAt: ports.runtime.now(), }); }",
      "endedAt: ports.runtime.now(), }); await ports.objects.put(key, text); return outcome; }",
    ],
  ),
  mutant("duplicate lines counted twice", [
    "domain/settlement-fold.ts",
    "} else { part.skip.push(line); }",
    "}",
  ]),
  mutant("a failure outweighs an answer", [
    "domain/settlement-fold.ts",
    'earlier === null || (earlier.rank === "failed" && seen.rank === "answered")',
    'earlier === null || (earlier.rank === "answered" && seen.rank === "failed")',
  ]),
  mutant("partial output of an expired batch ignored", [
    "collect-results/collect-results.ts",
    "const { fold, gone } = await copyOutput(lease, found, customIds, ports);",
    'const { fold, gone } = found.status === "expired" ? { fold: new SettlementFold(customIds), gone: false } : await copyOutput(lease, found, customIds, ports);',
  ]),
  mutant("partial output of a cancelled batch ignored", [
    "collect-results/collect-results.ts",
    "const { fold, gone } = await copyOutput(lease, found, customIds, ports);",
    'const { fold, gone } = found.status === "cancelled" ? { fold: new SettlementFold(customIds), gone: false } : await copyOutput(lease, found, customIds, ports);',
  ]),
  mutant("a losing answer not charged", [
    SETTLE,
    "line.charge ? [{ job",
    "line.charge && won.has(line) ? [{ job",
  ]),
  mutant("a losing direct answer not charged", [
    FINISH,
    "if (won) await deliver(result, record, attempt, ports); await recordCharge(",
    "if (won) await deliver(result, record, attempt, ports); if (won) await recordCharge(",
  ]),
  ...ORDER_MUTANTS,
  ...LANE_MUTANTS,
  ...ESCALATION_MUTANTS,
];
