/** Compares texts by their UTF-8 bytes, the order in which DynamoDB and S3 list keys; JavaScript's own is by UTF-16. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
