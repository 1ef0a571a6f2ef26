import { expect, test } from "vitest";
import { retryAfterMs } from "../../../../lambdas/adapters/providers/provider-failures.ts";

test.each([
  [{}, null],
  [{ "retry-after": "3" }, 3000],
  [{ "retry-after": "0.25" }, 250],
  [{ "retry-after": "3", "retry-after-ms": "120" }, 120],
  [{ "retry-after": "soon" }, null],
  [{ "retry-after": "-4" }, null],
  [{ "retry-after": "Sat, 21 Nov 2026 12:00:30 GMT", date: "Sat, 21 Nov 2026 12:00:00 GMT" }, 30_000],
  [{ "retry-after": "Sat, 21 Nov 2026 12:00:30 GMT" }, null],
  [{ "retry-after": "Sat, 21 Nov 2026 11:00:00 GMT", date: "Sat, 21 Nov 2026 12:00:00 GMT" }, null],
] as const)("%j asks to wait %s ms", (headers, wait) => {
  expect(retryAfterMs(new Headers(headers))).toBe(wait);
});
