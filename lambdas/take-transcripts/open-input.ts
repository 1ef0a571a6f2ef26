import { z } from "zod";
import { TerminalError } from "../domain/failures.ts";
import { type TenantId, tenantIdSchema } from "../domain/ids.ts";
import { allLeadsPrefix, PREFIXES } from "../domain/object-keys.ts";

/** What a message on the transcripts queue asks for. */
export type Input =
  | { readonly kind: "object"; readonly tenantId: TenantId; readonly key: string }
  /** A transcript that was sent, not dropped. `transcript` is whatever the sender takes for one. */
  | { readonly kind: "sent"; readonly tenantId: TenantId; readonly transcript: unknown };

const sentSchema = z.object({
  version: z.literal(1),
  tenantId: tenantIdSchema,
  transcript: z.unknown().optional(),
});

/** S3 as it says itself that it will send events here. */
const s3TestSchema = z.object({ Service: z.literal("Amazon S3"), Event: z.literal("s3:TestEvent") });

const s3EventSchema = z.object({
  Records: z.array(
    z.object({
      eventSource: z.literal("aws:s3"),
      s3: z.object({ bucket: z.object({ name: z.string() }), object: z.object({ key: z.string() }) }),
    }),
  ),
});

const messageSchema = z.union([s3EventSchema, s3TestSchema, sentSchema]);

/** `inbox/tenant=<id>/<name>`, the name not empty. */
const INBOX_KEY = new RegExp(`^${PREFIXES.inbox}tenant=([^/]+)/.`);

/**
 * What a message holds: objects of one bucket's inboxes, or a transcript. Throws TerminalError for a message that names no
 * tenant who could be told what is wrong with it: it stays for the operator.
 */
export function openInput(body: string, bucket: string): Input[] {
  const parsed = messageSchema.safeParse(parseJson(body));
  if (!parsed.success) throw new TerminalError("neither a transcript message nor an event of S3");
  const message = parsed.data;
  if ("Service" in message) return [];
  if ("version" in message) {
    const { tenantId, transcript } = message;
    return [{ kind: "sent", tenantId, transcript }];
  }
  return message.Records.flatMap(({ s3 }) => {
    if (s3.bucket.name !== bucket) throw new TerminalError("an event of another bucket");
    return inboxObject(decodeKey(s3.object.key));
  });
}

/** Keys are form-encoded in events: a space is a plus. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch (cause) {
    throw new TerminalError("an event with a key that cannot be read", { cause });
  }
}

function inboxObject(key: string): Input[] {
  // What the console puts in place of a folder.
  if (key.endsWith("/")) return [];
  const tenantId = tenantIdSchema.safeParse(INBOX_KEY.exec(key)?.[1]);
  if (!tenantId.success) throw new TerminalError("an object that lies in no tenant's inbox");
  if (key.startsWith(allLeadsPrefix(tenantId.data))) return [];
  return [{ kind: "object", tenantId: tenantId.data, key }];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
