import { GetObjectCommand, NoSuchKey, type S3Client } from "@aws-sdk/client-s3";
import { type ResultPointer, storedResultSchema } from "../lambdas/domain/result-message.ts";

/** The provider's response of a result that was too large for its message; undefined when it is no longer kept. */
export async function fetchResponse(
  s3: S3Client,
  { bucket, key, offset, length }: ResultPointer,
): Promise<{ readonly response: unknown } | undefined> {
  const range = `bytes=${offset}-${offset + length - 1}`;
  try {
    const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: range }));
    const { response } = storedResultSchema.parse(JSON.parse((await body?.transformToString()) ?? ""));
    return { response };
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}
