import type { IBucket } from "aws-cdk-lib/aws-s3";
import { openSegmentKey, segmentIndexKey, segmentKey } from "../lambdas/domain/object-keys.ts";
import { ANY_SEGMENT } from "./any-key.ts";
import { deleteObjects, type Permission, writeObjects } from "./permissions.ts";

/** Writing a segment: its lines, its marker and its index; a segment with no line to place loses its marker again. */
export function writeSegments(bucket: IBucket): Permission[] {
  const marker = openSegmentKey(ANY_SEGMENT);
  return [
    writeObjects(bucket, segmentKey(ANY_SEGMENT), marker, segmentIndexKey(ANY_SEGMENT)),
    deleteObjects(bucket, marker),
  ];
}
