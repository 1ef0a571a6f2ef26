import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { MissingRecordError } from "../domain/failures.ts";
import type { Instant } from "../domain/instant.ts";

/** Milliseconds for which a value is used again: a rotated key reaches every worker within them. */
const KEPT_FOR = 5 * 60_000;

type Kept = { readonly value: Promise<string>; readonly until: Instant };

/** Secrets as text, each fetched at most once in five minutes. */
export class SecretValues {
  readonly #client: SecretsManagerClient;
  readonly #now: () => Instant;
  readonly #kept = new Map<string, Kept>();

  constructor(client: SecretsManagerClient, now: () => Instant = Date.now) {
    this.#client = client;
    this.#now = now;
  }

  /** The secret's current text. Throws MissingRecordError when it has none (a binary secret). */
  async get(secretArn: string): Promise<string> {
    const kept = this.#kept.get(secretArn);
    if (kept !== undefined && kept.until > this.#now()) return kept.value;
    const fetched: Kept = { value: this.#fetch(secretArn), until: this.#now() + KEPT_FOR };
    this.#kept.set(secretArn, fetched);
    try {
      return await fetched.value;
    } catch (error) {
      // A failure is not kept; a fetch begun since then stays.
      if (this.#kept.get(secretArn) === fetched) this.#kept.delete(secretArn);
      throw error;
    }
  }

  async #fetch(secretArn: string): Promise<string> {
    const answer = await this.#client.send(new GetSecretValueCommand({ SecretId: secretArn }));
    if (answer.SecretString === undefined)
      throw new MissingRecordError(`secret ${secretArn} has no text value`);
    return answer.SecretString;
  }
}
