import type { Fault, Operation } from "../../../local/provider-simulator/faults.ts";
import type { Random } from "../../../local/provider-simulator/seeded-random.ts";

/** Every call that the gateway makes to a provider. */
export const CALLS: Readonly<Record<"openai" | "anthropic", readonly Operation[]>> = {
  openai: [
    "openai.files.create",
    "openai.files.content",
    "openai.files.delete",
    "openai.batches.create",
    "openai.batches.retrieve",
    "openai.batches.list",
    "openai.batches.cancel",
    "openai.chat.completions",
  ],
  anthropic: [
    "anthropic.batches.create",
    "anthropic.batches.retrieve",
    "anthropic.batches.list",
    "anthropic.batches.cancel",
    "anthropic.batches.delete",
    "anthropic.batches.results",
    "anthropic.messages",
  ],
};

/** `count` faults of any kind, with anything in them. */
export function drawFaults(provider: "openai" | "anthropic", count: number, random: Random): Fault[] {
  return Array.from({ length: count }, () => drawFault(provider, random));
}

function drawFault(provider: "openai" | "anthropic", random: Random): Fault {
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  const pick = <Item>(first: Item, ...others: Item[]): Item => others[upTo(others.length) - 1] ?? first;
  const maybe = random() < 0.5;
  const [call = "openai.batches.create", ...calls] = CALLS[provider];
  const operation = pick<Operation>(call, ...calls);
  const create: Operation = `${provider}.batches.create`;
  const retryAfterSeconds = 0.01;
  const status = pick(429, 500, 503, 404, 408);
  const draws: (() => Fault)[] = [
    () => ({ kind: "http-error", operation, status, retryAfterSeconds, times: 1 + upTo(4) }),
    () => ({ kind: "lost-answer", operation, times: 1 + upTo(1) }),
    () => ({ kind: "lost-answer", operation: create, times: 1 + upTo(2) }),
    () => ({ kind: "list-lag", lists: 1 + upTo(7) }),
    () => ({ kind: "not-found-after-create", reads: 1 + upTo(3) }),
    () => ({ kind: "cut-download", afterBytes: upTo(3000), times: 1 + upTo(2) }),
    () => ({ kind: "expire-batch", afterLines: upTo(5) }),
    () => ({ kind: "fail-batch", code: pick("odd", "token_limit_exceeded"), message: "No." }),
    () => ({ kind: "fail-batch", code: "invalid_value", message: "No.", lines: [1 + upTo(3)] }),
    () => ({ kind: "line-error", status: pick(400, 401, 429, 500), fraction: random() }),
    () => ({
      kind: "damaged-output",
      missing: upTo(2),
      repeated: upTo(2),
      conflicting: upTo(2),
      unparseable: upTo(2),
      unknown: upTo(2),
    }),
    () => ({
      kind: "stuck-batch",
      status: pick("validating", "in_progress", "finalizing"),
      afterLines: upTo(5),
      evenCancelled: maybe,
    }),
    () => ({ kind: "late-cancel" }),
  ];
  return draws[upTo(draws.length - 1)]?.() ?? { kind: "late-cancel" };
}
