import { contentHash, type TenantId, tenantIdSchema } from "../ids.ts";
import { PREFIXES, workloadPrefix } from "../object-keys.ts";

/** A document of a tenant: `source` is its key below the tenant's own prefix. */
export type DocumentPlace = { readonly tenantId: TenantId; readonly source: string };

/** The document that an object is; undefined for one that is nobody's, or a folder's marker. */
export function documentPlaceOf(key: string): DocumentPlace | undefined {
  const match = /^tenant=([^/]+)\/(.+)$/s.exec(
    key.startsWith(PREFIXES.knowledge) ? key.slice(PREFIXES.knowledge.length) : "",
  );
  const tenantId = tenantIdSchema.safeParse(match?.[1]);
  const source = match?.[2];
  if (!tenantId.success || source === undefined || source.endsWith("/")) return undefined;
  return { tenantId: tenantId.data, source };
}

/** Names a document in records, keys and jobs: sources are as long as their tenant likes, this is not. */
export function documentIdOf(source: string): string {
  return contentHash(source, 32);
}

/** Everything that is kept of a tenant's index. */
export function indexPrefix(tenantId: TenantId): string {
  return workloadPrefix("re-index", tenantId);
}

const DOCUMENTS = "documents/";

/** What is kept of one version of a document; `revision` is never used twice for a document. */
export function versionFolder(
  tenantId: TenantId,
  documentId: string,
  revision: number,
  hash: string,
): string {
  return `${indexPrefix(tenantId)}${DOCUMENTS}${documentId}/${revision}-${hash}/`;
}

/** The objects of a version's folder. */
export const VERSION_FILES = { plan: "plan.json", text: "text.txt", chunks: "chunks.json" } as const;

const MANIFESTS = "manifests/";
/** More than are ever written. */
const MOST_MANIFESTS = 10 ** 12;

export function manifestPrefix(tenantId: TenantId): string {
  return `${indexPrefix(tenantId)}${MANIFESTS}`;
}

/** Manifests are never written over; the keys count down, so that the newest is the first of a listing. */
export function manifestKey(tenantId: TenantId, sequence: number): string {
  return `${manifestPrefix(tenantId)}${String(MOST_MANIFESTS - sequence).padStart(12, "0")}.json`;
}

/** Names a version in file keys and in the vector index: its folder below the tenant's documents. */
export function versionName(tenantId: TenantId, folder: string): string {
  return folder.slice(`${indexPrefix(tenantId)}${DOCUMENTS}`.length, -1);
}
