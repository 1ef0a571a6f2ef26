import { mutant, type Mutant } from "./mutant.ts";

const SETTLE = "settle-part/settle-part.ts";
const TRANSITIONS = "domain/job-transitions.ts";
const LEASE = "domain/direct-lease.ts";
const ADMIT = "admit-jobs/admit-jobs.ts";
const FINISH = "run-job/finish-job.ts";

/** What each step promises beyond the order of its writes. */
export const LANE_MUTANTS: readonly Mutant[] = [
  mutant("leases are not fenced", [
    "adapters/batch-decisions.ts",
    "if (record.fence !== lease.fence) throw",
    "if (record.fence < 0) throw",
  ]),
  mutant("segments are not marked as taken", [
    "close-window/close-window.ts",
    "await ports.windows.markTaken(windowId, taken);",
    "",
  ]),
  mutant("window let go before its segments are marked", [
    "close-window/close-window.ts",
    "await ports.windows.markTaken(windowId, taken); await ports.objects.delete(taken.map(openSegmentKey)); await ports.windows.release(windowId);",
    "await ports.windows.release(windowId); await ports.windows.markTaken(windowId, taken); await ports.objects.delete(taken.map(openSegmentKey));",
  ]),
  mutant("what waits on is not marked", [
    "plan-window/plan-window.ts",
    'if (carried !== null) await ports.objects.put(openSegmentKey(carried), "");',
    "",
  ]),
  mutant("holds are ignored", ["domain/planner.ts", "heldAccounts.has(group.account) ||", ""]),
  mutant("back-off is ignored", ["domain/planner.ts", "notBefore > now ||", ""]),
  mutant("halves are put together again", [
    "domain/planner.ts",
    "entry.cohort === undefined ? groupKey(group) : `${groupKey(group)}|${entry.cohort}`",
    "groupKey(group)",
  ]),
  mutant("jobs that are over are sent all the same", [
    "domain/planner.ts",
    "!over.has(attemptOf(entry))",
    "over.size >= 0",
  ]),
  mutant("orphans move jobs", [
    "domain/settle-line.ts",
    'if (batch.orphanOf !== null) return { kind: "none" };',
    "",
  ]),
  mutant("a token limit costs an attempt", [
    "domain/failure-table.ts",
    'row("batch", "token-limit", "next-batch", "More tokens are waiting at the provider than it lets the account queue.", { counts: false,',
    'row("batch", "token-limit", "fail", "More tokens are waiting at the provider than it lets the account queue.", { counts: true,',
  ]),
  mutant("an ended job ends again", [
    TRANSITIONS,
    'if (current.state === "ended") return { outcome: current.endedBy === end.endedBy ? "won" : "lost" }; if (end.status',
    "if (end.status",
  ]),
  mutant("the re-run of an end is lost", [
    TRANSITIONS,
    'current.endedBy === end.endedBy ? "won" : "lost"',
    '"lost"',
  ]),
  mutant("a failure of an earlier attempt ends the job", [
    TRANSITIONS,
    'if (end.status !== "succeeded" && current.attempt !== end.attempt) return { outcome: "lost" };',
    "",
  ]),
  mutant("a live lease is taken over", [
    LEASE,
    'if (current.leaseUntil > lease.now) return { kind: "busy", job: current };',
    "",
  ]),
  mutant("lost calls are not named", [
    FINISH,
    'await recordCharge({ kind: "unconfirmed",',
    'if (attempt === 0) await recordCharge({ kind: "unconfirmed",',
  ]),
  mutant("a lost call is tried again under its number", [
    LEASE,
    "attempt: current.attempt + 1, roundStart: current.roundStart + (goesOn",
    "attempt: current.attempt, roundStart: current.roundStart + (goesOn",
  ]),
  mutant("settled deliveries are not sent", [
    SETTLE,
    "await ports.deliveries.send(deliveries); return { ended",
    "return { ended",
  ]),
  mutant("nobody waits for the ledger", [
    SETTLE,
    "await ports.ledger.record(partLedgerEntries(charged, { ...plan, part }));",
    "void ports.ledger.record(partLedgerEntries(charged, { ...plan, part })).catch(() => {});",
  ]),
  mutant("the ledger before the ends", [
    SETTLE,
    "charge: line.charge, won: won.has(line),",
    "charge: line.charge, won: true,",
  ]),
  mutant("jobs counted by every answer of a direct call", [
    FINISH,
    "charge, at: producedAt, won }",
    "charge, at: producedAt, won: true }",
  ]),
  mutant("batches too large by one", [
    "domain/planner.ts",
    "chunk.length + 1 > limits.maxRequests",
    "chunk.length > limits.maxRequests",
  ]),
  mutant("bytes of a batch not limited", [
    "domain/planner.ts",
    "bytes + inputLineBytes(entry) > limits.maxBytes ||",
    "",
  ]),
  mutant("inputs of a batch not limited", [
    "domain/planner.ts",
    "inputs + entry.inputs > limits.maxInputs",
    "inputs < 0",
  ]),
  mutant("dedicated tenants share", [
    "domain/group.ts",
    "return `tenant:${tenantId}`;",
    'return tenantId.length > 0 ? "shared" : "";',
  ]),
  mutant("a repeat gets no result", [ADMIT, "return firstResultOf(outcome.job);", "return undefined;"]),
  mutant("results of one tenant in another's object", [
    "settle-part/pack-results.ts",
    "const tenant = tenants.get(result.tenantId) ?? { lines: [], size: 0, results: [] };",
    "const tenant = tenants.get(result.tenantId) ?? [...tenants.values()][0] ?? { lines: [], size: 0, results: [] };",
  ]),
  mutant("nothing deleted at the provider", [
    "close-batch/close-batch.ts",
    'if (policy === "delete" && files !== null) await deleteFiles(await withoutTwinsInput(record.plan, files, ports.batches), ports.provider);',
    "",
  ]),
  mutant("closed before everything is deleted", [
    "close-batch/close-batch.ts",
    'if (policy === "delete" && files !== null) await deleteFiles(await withoutTwinsInput(record.plan, files, ports.batches), ports.provider);',
    'if (policy === "delete" && files !== null) void deleteFiles(await withoutTwinsInput(record.plan, files, ports.batches), ports.provider).catch(() => {});',
  ]),
  mutant("the sweeper adopts no orphans", [
    "sweep-leftovers/adopt-orphans.ts",
    "return twin !== undefined && adopt(",
    "return twin === null && adopt(",
  ]),
  mutant("the sweeper starts nothing again", [
    "sweep-leftovers/start-batches.ts",
    "if (await startUnlessRunning(batchId, ports)) started += 1;",
    "",
  ]),
  mutant("a stuck batch is never cancelled", [
    "domain/batch-watch.ts",
    "return !isNeeded || now >=",
    "return !isNeeded && now >=",
  ]),
  mutant("results that are slow to come count as gone", [
    "collect-results/collect-results.ts",
    "ports.runtime.now() < (ended.endedAt ?? ended.createdAt) + RESULTS_GRACE_MS",
    "ports.runtime.now() < 0",
  ]),
  mutant("cancelled jobs are forgotten", [
    "admit-jobs/cancel-job.ts",
    "concerns: (job) => sentAt >= job.roundAt,",
    "concerns: (job) => sentAt < job.roundAt,",
  ]),
  mutant("a cancel ends what was opened again after it", [
    "admit-jobs/cancel-job.ts",
    "concerns: (job) => sentAt >= job.roundAt,",
    "concerns: () => true,",
  ]),
  mutant("dead letters deleted before they are sent on", [
    "retry-dead-letters/retry-dead-letters.ts",
    "await sendOn(going, ports); await inbox.delete(going.map(({ received: { receipt } }) => receipt));",
    "await inbox.delete(going.map(({ received: { receipt } }) => receipt)); await sendOn(going, ports);",
  ]),
];
