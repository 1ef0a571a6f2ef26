import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  batchIdOf,
  batchIdSchema,
  customIdOf,
  jobIdOf,
  jobIdSchema,
  parseCustomId,
  type TenantId,
  tenantIdSchema,
  type WindowId,
  windowIdOf,
} from "../../../lambdas/domain/ids.ts";

const SALT = "0123456789abcdef0123456789abcdef";
const acme = "acme" as TenantId;

describe("job ids", () => {
  test("are the same for the same tenant and key, and 26 base32 characters", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 256 }), (key) => {
        const id = jobIdOf(SALT, acme, key);
        expect(jobIdSchema.parse(id)).toBe(id);
        expect(jobIdOf(SALT, acme, key)).toBe(id);
      }),
    );
  });

  test("differ when the boundary between tenant and key moves", () => {
    expect(jobIdOf(SALT, "ab" as TenantId, "c")).not.toBe(jobIdOf(SALT, "a" as TenantId, "bc"));
  });

  test("cannot be guessed without the salt", () => {
    expect(jobIdOf(SALT, acme, "k")).not.toBe(jobIdOf(`${SALT}x`, acme, "k"));
  });

  test("survive the way through a custom id, and a stranger's custom id is not ours", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 999_999 }), (key, attempt) => {
        const jobId = jobIdOf(SALT, acme, key);
        const customId = customIdOf(jobId, attempt);
        expect(customId).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
        expect(parseCustomId(customId)).toEqual({ jobId, attempt });
      }),
    );
    for (const stranger of ["", "request-1", `${jobIdOf(SALT, acme, "k")}-0`, jobIdOf(SALT, acme, "k")]) {
      expect(parseCustomId(stranger)).toBeUndefined();
    }
  });
});

describe("batch and window ids", () => {
  test("a batch id depends on the window, the group and the number", () => {
    const window = "20261121T120000Z" as WindowId;
    const made = [
      batchIdOf(window, "a", 0),
      batchIdOf(window, "a", 1),
      batchIdOf(window, "b", 0),
      batchIdOf("20261121T120500Z" as WindowId, "a", 0),
    ];
    expect(new Set(made).size).toBe(4);
    for (const id of made) expect(batchIdSchema.parse(id)).toBe(id);
  });

  test("windows sort as their scheduled times do, in any zone", () => {
    expect(windowIdOf("2026-11-21T12:05:00Z")).toBe("20261121T120500Z");
    expect(windowIdOf("2026-11-21T14:05:00+02:00")).toBe("20261121T120500Z");
  });
});

test("tenant ids are safe in queue names and S3 prefixes", () => {
  for (const id of ["acme", "a", "7-eleven", "x".repeat(48)])
    expect(tenantIdSchema.safeParse(id).success).toBe(true);
  for (const id of ["", "-a", "Acme", "a_b", "a/b", "a=b", "x".repeat(49), "ä"]) {
    expect(tenantIdSchema.safeParse(id).success).toBe(false);
  }
});
