import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import type { TenantId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { EmbeddedText, VectorCache } from "../vector-cache.ts";
import { DynamoTable } from "./dynamo-table.ts";
import { parseStored } from "./stored-record.ts";

/** Seconds for which a vector is kept beside the versions that use it. */
const KEPT_SECONDS = 30 * 86_400;

const itemSchema = z.object({
  hash: z.string(),
  vector: z.instanceof(Uint8Array),
  effectiveUntil: z.number().nullable(),
});

/** Vectors in the workloads' table, each in a partition of its own. */
export class DynamoVectorCache implements VectorCache {
  readonly #table: DynamoTable;

  constructor(client: DynamoDBDocumentClient, tableName: string) {
    this.#table = new DynamoTable(client, tableName);
  }

  async get(tenantId: TenantId, model: string, hashes: readonly string[]) {
    const keys = [...new Set(hashes)].map((hash) => keyOf(tenantId, model, hash));
    const items = await this.#table.getAll(keys);
    const found = items.map((item) => parseStored(itemSchema, item, String(item["pk"])));
    return new Map(found.map((text) => [text.hash, text]));
  }

  async put(tenantId: TenantId, model: string, texts: readonly EmbeddedText[], now: Instant): Promise<void> {
    const expiresAt = Math.ceil(now / 1000) + KEPT_SECONDS;
    const byHash = new Map(texts.map((text) => [text.hash, text]));
    await this.#table.putAll(
      [...byHash.values()].map((text) => ({ ...text, ...keyOf(tenantId, model, text.hash), expiresAt })),
    );
  }
}

function keyOf(tenantId: TenantId, model: string, hash: string) {
  return { pk: `KB#${tenantId}#${model}#${hash}`, sk: "VECTOR" };
}
