/** Something that became of an object, as the local AWS sees it. */
export interface ObjectEvent {
  readonly kind: "created" | "removed";
  /** The API operation without its service: what the event's name ends in. */
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
  /** Null where the request does not tell, as at the end of a multipart upload. */
  readonly bytes: number | null;
}

const NAMES: Readonly<Record<string, string>> = {
  PutObject: "ObjectCreated:Put",
  CopyObject: "ObjectCreated:Copy",
  CompleteMultipartUpload: "ObjectCreated:CompleteMultipartUpload",
  DeleteObject: "ObjectRemoved:Delete",
  DeleteObjects: "ObjectRemoved:Delete",
};

/** As S3 names it, without the `s3:` that filters begin with. */
export function eventName({ operation, kind }: ObjectEvent): string {
  return NAMES[operation] ?? (kind === "created" ? "ObjectCreated:Put" : "ObjectRemoved:Delete");
}

/** The message that S3 sends to a queue. Keys are form-encoded in it: a space is a plus. */
export function s3EventMessage(event: ObjectEvent, region: string, at: number): string {
  const key = encodeURIComponent(event.key).replaceAll("%20", "+").replaceAll("%2F", "/");
  const record = {
    eventVersion: "2.1",
    eventSource: "aws:s3",
    awsRegion: region,
    eventTime: new Date(at).toISOString(),
    eventName: eventName(event),
    s3: {
      s3SchemaVersion: "1.0",
      bucket: { name: event.bucket, arn: `arn:aws:s3:::${event.bucket}` },
      object: { key, ...(event.bytes !== null && { size: event.bytes }) },
    },
  };
  return JSON.stringify({ Records: [record] });
}
