import { z } from "zod";
import { tenantIdSchema } from "../domain/ids.ts";
import { type DocumentPlace, documentPlaceOf } from "../domain/re-index/document-source.ts";

/** Our own word that a document should be looked at. */
const checkMessageSchema = z.object({
  version: z.literal(1),
  check: z.object({ tenantId: tenantIdSchema, source: z.string().min(1).max(1024) }),
});
export type CheckMessage = z.infer<typeof checkMessageSchema>;

/** S3's events, as much of them as is used: only whom they are about, for they may come late and in any order. */
const s3EventSchema = z.object({
  Records: z.array(z.object({ s3: z.object({ object: z.object({ key: z.string() }) }) })),
});

/** What S3 sends when it is first told of the queue. */
const s3TestSchema = z.object({ Event: z.literal("s3:TestEvent") });

const changeSchema = z.union([checkMessageSchema, s3EventSchema, s3TestSchema]);

/** The documents that a message is about. Throws a ZodError, or a SyntaxError, for what is none of ours. */
export function changedDocuments(body: string): DocumentPlace[] {
  const change = changeSchema.parse(JSON.parse(body));
  if ("check" in change) return [change.check];
  if ("Event" in change) return [];
  return change.Records.flatMap(({ s3 }) => {
    // Keys are form-encoded in events.
    const place = documentPlaceOf(decodeURIComponent(s3.object.key.replaceAll("+", " ")));
    return place ? [place] : [];
  });
}
