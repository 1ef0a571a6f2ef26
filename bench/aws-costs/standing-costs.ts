import { z } from "zod";
import { parseRate } from "../../local/events/schedule.ts";
import { readTemplate } from "../../local/stack/template.ts";
import type { Standing } from "./day-report.ts";

/**
 * Requests a day with which Lambda asks an empty queue: it begins with five pollers, each of which waits 20 seconds.
 * docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html, read 2026-12-01.
 */
export const POLLS_PER_DAY = 5 * (86_400 / 20);

const DAY_MS = 86_400_000;
const scheduleSchema = z.object({ ScheduleExpression: z.string() });

/** Reads a synthesized stack. Throws an Error for a schedule that has no rate. */
export function standingOf(assembly: string, stackName: string): Standing {
  const { resources } = readTemplate(assembly, stackName);
  const ofType = (type: string) => resources.filter((resource) => resource.type === type);
  const rates = ofType("AWS::Scheduler::Schedule").map(({ properties }) =>
    parseRate(scheduleSchema.parse(properties).ScheduleExpression),
  );
  return {
    scheduleStarts: rates.reduce((sum, ms) => sum + DAY_MS / ms, 0),
    polledQueues: ofType("AWS::Lambda::EventSourceMapping").length,
    secrets: ofType("AWS::SecretsManager::Secret").length,
    alarms: ofType("AWS::CloudWatch::Alarm").length,
  };
}
