import { createHash, randomBytes } from "node:crypto";
import { compilePermissions } from "./permissions.ts";
import type { Permissions } from "./permissions.ts";
import type { PolicyDocument } from "./policy-document.ts";

/** A role with an access key of its own. */
export interface Principal {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly roleName: string;
  readonly roleArn: string;
  /** `AROA…`, the part of SenderId before the colon. */
  readonly roleId: string;
  readonly policies: readonly PolicyDocument[];
}

export interface KnownPrincipal extends Principal {
  readonly permissions: Permissions;
}

/** Access key → principal. Keys that are not here belong to the account's root user. */
export class Principals {
  readonly #byAccessKey = new Map<string, KnownPrincipal>();
  readonly #accountId: string;

  constructor(accountId: string) {
    this.#accountId = accountId;
  }

  /** Makes an access key for the role. A role may have several. Throws on a policy that cannot be judged. */
  register(role: { roleName: string; policies: readonly PolicyDocument[] }): Principal {
    const permissions = permissionsOf(role);
    const principal: Principal = {
      accessKeyId: `AKIA${base32(randomBytes(10))}`,
      secretAccessKey: randomBytes(30).toString("base64"),
      roleName: role.roleName,
      roleArn: `arn:aws:iam::${this.#accountId}:role/${role.roleName}`,
      roleId: `AROA${base32(createHash("sha256").update(role.roleName).digest()).slice(0, 17)}`,
      policies: role.policies,
    };
    this.#byAccessKey.set(principal.accessKeyId, { ...principal, permissions });
    return principal;
  }

  find(accessKeyId: string): KnownPrincipal | null {
    return this.#byAccessKey.get(accessKeyId) ?? null;
  }
}

function permissionsOf(role: { roleName: string; policies: readonly PolicyDocument[] }): Permissions {
  try {
    return compilePermissions(role.policies);
  } catch (cause) {
    throw new Error(`role ${role.roleName}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join("");
}
