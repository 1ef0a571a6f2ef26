import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { z } from "zod";
import type { LocalAws } from "../aws/local-aws.ts";
import { eventName, type ObjectEvent, s3EventMessage } from "../events/s3-event.ts";
import type { Clock } from "../step-functions/clock.ts";
import { queueUrlOf, type Place } from "./resource-names.ts";
import { BUILT_TYPES } from "./resource-types.ts";
import type { StackResources } from "./stack-resources.ts";
import { OWNER } from "./storage.ts";
import type { Trigger } from "./triggers.ts";

// Strict: a filter that is skipped, or another target, would change what a function sees.
const configurationSchema = z.strictObject({
  QueueConfigurations: z.array(
    z.strictObject({
      Event: z.string(),
      Queue: z.string(),
      Filter: z
        .strictObject({
          S3Key: z.strictObject({
            Rules: z.array(z.strictObject({ Name: z.enum(["prefix", "suffix"]), Value: z.string() })),
          }),
        })
        .optional(),
    }),
  ),
});
type Notification = z.infer<typeof configurationSchema>["QueueConfigurations"][number];

export interface NotificationContext {
  readonly resources: StackResources;
  readonly aws: LocalAws;
  readonly place: Place;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** Sends S3's events to the queues that the template's buckets name. */
export function bucketNotifications({ resources, aws, place, clock, log }: NotificationContext): Trigger {
  const byBucket = new Map(
    resources.ofType(BUILT_TYPES.bucket).flatMap(({ name, properties }) => {
      const given = properties["NotificationConfiguration"];
      if (given === undefined) return [];
      return [[name, configurationSchema.parse(resources.resolve(given)).QueueConfigurations] as const];
    }),
  );
  const sqs = new SQSClient({ endpoint: aws.endpoint, region: aws.region, credentials: OWNER });
  const sending = new Set<Promise<void>>();
  let isRunning = false;
  const send = async (event: ObjectEvent, { Queue }: Notification): Promise<void> => {
    const queue = resources.find(BUILT_TYPES.queue, Queue);
    const MessageBody = s3EventMessage(event, place.region, clock.now());
    try {
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrlOf(queue.name, place), MessageBody }));
    } catch (error) {
      log(`the event of ${event.key} was not sent: ${String(error)}`);
    }
  };
  aws.onObject((event) => {
    if (!isRunning) return;
    for (const notification of byBucket.get(event.bucket) ?? []) {
      if (!concerns(notification, event)) continue;
      const sent = send(event, notification).finally(() => sending.delete(sent));
      sending.add(sent);
    }
  });
  return {
    get activeCount() {
      return sending.size;
    },
    start: () => (isRunning = true),
    stop: async () => {
      isRunning = false;
      await Promise.all(sending);
      sqs.destroy();
    },
  };
}

function concerns({ Event, Filter }: Notification, event: ObjectEvent): boolean {
  const name = `s3:${eventName(event)}`;
  if (Event !== name && !(Event.endsWith("*") && name.startsWith(Event.slice(0, -1)))) return false;
  const rules = Filter?.S3Key.Rules ?? [];
  return rules.every(({ Name, Value }) =>
    Name === "prefix" ? event.key.startsWith(Value) : event.key.endsWith(Value),
  );
}
