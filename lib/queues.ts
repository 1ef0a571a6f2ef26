import { Duration } from "aws-cdk-lib";
import { ArnPrincipal, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { TIERS, type Tier } from "../lambdas/domain/vocabulary.ts";
import { URGENT_VISIBILITY, visibilityFor } from "./function-limits.ts";
import type { StageSettings } from "./stage-settings.ts";

/** Longer than any outage we expect to sleep through; a message moved to the dead letters keeps its first time. */
const RETENTION = Duration.days(4);
const DEAD_LETTER_RETENTION = Duration.days(14);

type QueueProps = { readonly visibilityTimeout: Duration; readonly maxReceiveCount: number };

/** A queue and the one its messages go to when they could not be worked on. */
export type QueuePair = { readonly queue: Queue; readonly deadLetters: Queue };

/** All queues of the stage. Tenants write to the job queues only; their own result queues are made by the operator. */
export class Queues extends Construct {
  readonly jobs: Readonly<Record<Tier, QueuePair>>;
  /** Claimed jobs to be run directly: escalations and dead letters sent again. */
  readonly runs: QueuePair;
  /** Results that are ready for their tenants' own queues. */
  readonly deliveries: QueuePair;

  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id);
    const direct = { visibilityTimeout: URGENT_VISIBILITY, maxReceiveCount: 8 };
    const gathered = {
      visibilityTimeout: visibilityFor("AdmitJobs", settings.admission.batchingWindowSeconds),
      maxReceiveCount: 5,
    };
    const pair = (name: string, props: QueueProps) =>
      this.#pair(`${settings.stackName}-${name}`, name, props);
    this.jobs = {
      critical: pair("jobs-critical", direct),
      high: pair("jobs-high", direct),
      normal: pair("jobs-normal", gathered),
      low: pair("jobs-low", gathered),
    };
    this.runs = pair("runs", direct);
    // A tenant's queue may be away for a while: tried for an hour and more before it is an operator's matter.
    this.deliveries = pair("deliveries", {
      visibilityTimeout: visibilityFor("DeliverResults"),
      maxReceiveCount: 8,
    });
    for (const tier of TIERS) allowSenders(this.jobs[tier].queue, settings.senderArns);
  }

  /** Every pair by the name of its queue without the stack's. */
  get all(): Readonly<Record<string, QueuePair>> {
    return {
      ...Object.fromEntries(TIERS.map((tier) => [`jobs-${tier}`, this.jobs[tier]])),
      runs: this.runs,
      deliveries: this.deliveries,
    };
  }

  #pair(queueName: string, id: string, props: QueueProps): QueuePair {
    const secured = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    const deadLetters = new Queue(this, `${id}-dead`, {
      queueName: `${queueName}-dead`,
      retentionPeriod: DEAD_LETTER_RETENTION,
      ...secured,
    });
    const queue = new Queue(this, id, {
      queueName,
      retentionPeriod: RETENTION,
      visibilityTimeout: props.visibilityTimeout,
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: props.maxReceiveCount },
      ...secured,
    });
    return { queue, deadLetters };
  }
}

function allowSenders(queue: Queue, senderArns: readonly string[]): void {
  if (senderArns.length === 0) return;
  queue.addToResourcePolicy(
    new PolicyStatement({
      sid: "Senders",
      actions: ["sqs:SendMessage", "sqs:GetQueueUrl"],
      principals: senderArns.map((arn) => new ArnPrincipal(arn)),
      resources: [queue.queueArn],
    }),
  );
}
